/// What stuck sessions have in common, in words: a provider, a mode, an hour of creation.
///
/// A trait is said only where it is true of most of them and not of the other sessions as well: if nearly all calls are
/// with one provider, it explains nothing. Pure.

#ifndef KALLGLOT_WEB_COMMON_TRAITS_HPP
#define KALLGLOT_WEB_COMMON_TRAITS_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/daemon_report.hpp"

#include <string>

namespace kallglot {

/// `11 of them twilio, all created between 14:00 and 15:00 UTC`; `nothing in common in provider, mode or hour of
/// creation`; empty for fewer than three sessions, of which nothing can be said. `now`: the wall clock at the census.
[[nodiscard]] std::string describe_common_traits(const trait_counts& stuck,
                                                 const trait_counts& others,
                                                 api_time now);

} // namespace kallglot

#endif

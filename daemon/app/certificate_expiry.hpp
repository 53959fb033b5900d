/// A certificate of ours that has expired is used, since clients may not check it, and told with each reading.

#ifndef KALLGLOT_APP_CERTIFICATE_EXPIRY_HPP
#define KALLGLOT_APP_CERTIFICATE_EXPIRY_HPP

#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"

#include <cstdint>
#include <string_view>

namespace kallglot {

/// `not_after` in Unix seconds, 0 without a certificate; by the wall clock, as clients see it.
inline void warn_if_expired(std::string_view listener,
                            std::int64_t not_after,
                            clock& time,
                            logger& log) {
    if (not_after != 0
        && std::chrono::floor<seconds>(time.wall_now().time_since_epoch()).count() > not_after) {
        log.warn("the certificate has expired, clients that check it will refuse us",
                 {{"listener", listener}, {"not_after", not_after}});
    }
}

} // namespace kallglot

#endif

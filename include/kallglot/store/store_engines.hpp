/// Makes the engine that the settings name: the only place that knows which engines exist.

#ifndef KALLGLOT_STORE_STORE_ENGINES_HPP
#define KALLGLOT_STORE_STORE_ENGINES_HPP

#include "kallglot/ports/store_engine.hpp"
#include "kallglot/settings/settings.hpp"

#include <memory>
#include <string>

namespace kallglot {

/// `boot_id` identifies the present boot of this machine; empty: read from the kernel.
///
/// Lifetime: shared, since a stuck worker may outlive the store.
[[nodiscard]] std::shared_ptr<store_engine> make_store_engine(const store_settings& values,
                                                              const std::string& boot_id);

} // namespace kallglot

#endif

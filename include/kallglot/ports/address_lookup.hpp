/// Port for DNS lookups by rooms that know no sockets.

#ifndef KALLGLOT_PORTS_ADDRESS_LOOKUP_HPP
#define KALLGLOT_PORTS_ADDRESS_LOOKUP_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/base/error.hpp"

#include <string>
#include <vector>

namespace kallglot {

/// Loop only.
class address_lookup {
public:
    virtual ~address_lookup() = default;

    /// The IP addresses of a host as text, at least one. The text of an IP address is returned unchanged, without waiting.
    ///
    /// Errors: name_not_resolved; cancelled.
    /// Cancel: terminal, at once.
    [[nodiscard]] virtual task<result<std::vector<std::string>>> addresses_of(std::string host) = 0;
};

} // namespace kallglot

#endif

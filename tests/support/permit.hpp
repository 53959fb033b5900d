// Makes request permits without the gate, for tests of code that consumes them.

#ifndef KALLGLOT_TEST_SUPPORT_PERMIT_HPP
#define KALLGLOT_TEST_SUPPORT_PERMIT_HPP

#include "kallglot/polling/request_permit.hpp"

namespace kallglot {

struct request_permit_for_tests {
    [[nodiscard]] static request_permit make() noexcept { return {}; }
};

} // namespace kallglot

#endif

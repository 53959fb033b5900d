#ifndef KALLGLOT_POLLING_REQUEST_PERMIT_HPP
#define KALLGLOT_POLLING_REQUEST_PERMIT_HPP

#include <utility>

namespace kallglot {

/// The right to send one request: given by request_gate alone, consumed by api_client::get.
///
/// Move-only and without a public constructor, so that code that sends without asking budget and
/// health does not compile. A moved-from permit is spent.
class request_permit {
public:
    request_permit(request_permit&& other) noexcept : valid_(std::exchange(other.valid_, false)) {}

    request_permit& operator=(request_permit&& other) noexcept {
        valid_ = std::exchange(other.valid_, false);
        return *this;
    }

    /// False once it was moved away.
    [[nodiscard]] bool valid() const noexcept { return valid_; }

private:
    friend class request_gate;
    friend struct request_permit_for_tests;
    request_permit() noexcept = default;

    bool valid_ = true;
};

} // namespace kallglot

#endif

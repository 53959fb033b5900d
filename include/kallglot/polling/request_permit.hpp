/// Permit to send one API request, as a move-only value.

#ifndef KALLGLOT_POLLING_REQUEST_PERMIT_HPP
#define KALLGLOT_POLLING_REQUEST_PERMIT_HPP

#include <utility>

namespace kallglot {

/// The right to send one request. Only request_gate makes it; api_client::get consumes it.
///
/// It has no public constructor, so code that sends a request without the gate does not compile. A moved-from permit is
/// used up.
class request_permit {
public:
    request_permit(request_permit&& other) noexcept : valid_(std::exchange(other.valid_, false)) {}

    request_permit& operator=(request_permit&& other) noexcept {
        valid_ = std::exchange(other.valid_, false);
        return *this;
    }

    /// False after it was moved from.
    [[nodiscard]] bool valid() const noexcept { return valid_; }

private:
    friend class request_gate;
    friend struct request_permit_for_tests;
    request_permit() noexcept = default;

    bool valid_ = true;
};

} // namespace kallglot

#endif

// Webhook deliveries: the input as the body of an event, and as a signature header.

#include "kallglot/api/webhook_event.hpp"
#include "web/webhook_signature.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kallglot;
    static const std::vector<secret> secrets = [] {
        std::vector<secret> made;
        made.emplace_back("whsec_0123456789abcdef0123456789abcdef");
        return made;
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(parse_webhook_event(text));
    // No header made without the secret may pass as valid.
    const api_time now{seconds(1'776'159'394)};
    if (verify_signature(text, "{}", secrets, now, milliseconds(300'000))
        == signature_verdict::good) {
        std::abort();
    }
    return 0;
}

#include "kallglot/base/error.hpp"

#include <cassert>
#include <string>

namespace kallglot {
namespace {

// One constant text for each enumerator. No input is added to it, so an error text can hold neither a
// key nor personal data.
const char* message_of(errc error) noexcept {
    // No default: the compiler reports an enumerator without a text.
    switch (error) {
        case errc::name_not_resolved:
            return "host name not resolved";
        case errc::resolve_timeout:
            return "name resolution timeout";
        case errc::http2_unavailable:
            return "the API does not speak HTTP/2, which api.http_version requires";
        case errc::connect_refused:
            return "connection refused by every address";
        case errc::connect_timeout:
            return "TCP connect timeout";
        case errc::network_unreachable:
            return "network unreachable";
        case errc::connect_failed:
            return "connection failed";
        case errc::no_descriptors:
            return "out of file descriptors (LimitNOFILE) or local ports";
        case errc::proxy_refused:
            return "the proxy (api.proxy_url) rejected the CONNECT request";
        case errc::handshake_timeout:
            return "TLS handshake timeout";
        case errc::tls_failed:
            return "TLS protocol failure";
        case errc::certificate_rejected:
            return "certificate of the API not trusted (api.ca_file, or the trust store of the "
                   "system)";
        case errc::request_timeout:
            return "request timeout";
        case errc::connection_reset:
            return "connection reset by the peer";
        case errc::connection_closed:
            return "connection closed before the end of the response";
        case errc::reused_connection_closed:
            return "reused connection closed before the response";
        case errc::malformed_response:
            return "malformed HTTP response";
        case errc::unsolicited_data:
            return "the API sent data without a request";
        case errc::header_too_large:
            return "response header exceeds 64 KiB (HTTP/2: with 32 bytes for each field)";
        case errc::response_too_large:
            return "response body exceeds api.max_response_size";
        case errc::encoded_response:
            return "response has a Content-Encoding that was not requested";
        case errc::foreign_content:
            return "response is not JSON: wrong Content-Type";
        case errc::stream_reset:
            return "HTTP/2 stream reset by the API";
        case errc::malformed_json:
            return "malformed JSON body";
        case errc::invalid_session:
            return "response must have exactly one session id and one status";
        case errc::wrong_session:
            return "response describes another session than requested: ignored";
        case errc::invalid_event:
            return "webhook event must have an id and a type";
        case errc::invalid_session_id:
            return "session id must be 1 to 64 characters of A-Z a-z 0-9 _ -";
        case errc::session_limit:
            return "session limit reached (sessions.max_tracked)";
        case errc::store_unavailable:
            return "the exporter cannot write its store: not registered, retry later";
        case errc::memory_short:
            return "the exporter is low on memory: not registered, retry later";
        case errc::cancelled:
            return "operation cancelled";
    }
    // Only for numbers outside the enumeration.
    return "unknown error";
}

// g++ warns because the base has a protected destructor that is not virtual. Boost disables the warning for
// its own categories in the same way.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#endif

class kallglot_category final : public boost::system::error_category {
public:
    // "kallglot" in ASCII. With a number of its own, Boost compares categories by it and not by address, so that
    // copies in several libraries are equal.
    constexpr kallglot_category() noexcept : error_category(0x6B61'6C6C'676C'6F74U) {}

    // Shown in front of the number when a library prints the code.
    [[nodiscard]] const char* name() const noexcept override { return "kallglot"; }

    [[nodiscard]] std::string message(int value) const override {
        // Codes of another version can reach this as numbers; message_of() handles unknown ones.
        return message_of(static_cast<errc>(value));
    }

    // Boost's overload without an allocation: a poll that fails logs the text on the hot path.
    [[nodiscard]] const char* message(int value,
                                      char* /*buffer*/,
                                      std::size_t /*size*/) const noexcept override {
        return message_of(static_cast<errc>(value));
    }
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

} // namespace

failure_reason classify(errc error) noexcept {
    // A caller that classifies `cancelled` is about to count a stopped task as a failure of the API.
    assert(error != errc::cancelled);
    switch (error) {
        // The groups follow the phases of an exchange. All errors of a group have one label.
        case errc::name_not_resolved:
        case errc::resolve_timeout:
            return failure_reason::dns;
        case errc::connect_refused:
        case errc::network_unreachable:
        case errc::connect_failed:
        case errc::no_descriptors:
        case errc::proxy_refused:
            return failure_reason::connect;
        // All phases share the label `timeout`; the text of the error names the phase.
        case errc::connect_timeout:
        case errc::handshake_timeout:
        case errc::request_timeout:
            return failure_reason::timeout;
        case errc::tls_failed:
        case errc::certificate_rejected:
        case errc::http2_unavailable:
            return failure_reason::tls;
        case errc::connection_reset:
        case errc::connection_closed:
        case errc::reused_connection_closed:
        case errc::stream_reset:
            return failure_reason::reset;
        // Everything from the first byte of the response to the meaning of its body.
        case errc::malformed_response:
        case errc::unsolicited_data:
        case errc::header_too_large:
        case errc::response_too_large:
        case errc::encoded_response:
        case errc::foreign_content:
        case errc::malformed_json:
        case errc::invalid_session:
        case errc::wrong_session:
            return failure_reason::body;
        // Errors of input and of this process: no exchange with the API ends with one of them.
        case errc::invalid_session_id:
        case errc::invalid_event:
        case errc::session_limit:
        case errc::store_unavailable:
        case errc::memory_short:
        case errc::cancelled:
            break;
    }
    return failure_reason::other;
}

failure_reason classify_status(int http_status) noexcept {
    // Statuses that need a reaction of their own: the operator acts, the session is gone, or the poller slows down.
    switch (http_status) {
        case 401:
        case 403:
            return failure_reason::unauthorized;
        case 402:
            return failure_reason::credits;
        // Both mean that the session does not exist. It counts against the session, not against the API.
        case 404:
        case 410:
            return failure_reason::not_found;
        case 429:
            return failure_reason::throttled;
        default:
            break;
    }
    // Redirects are not followed: the key must not travel to another host.
    if (http_status >= 300 && http_status < 400) {
        return failure_reason::redirect;
    }
    // The server failed. As a redirect does, this counts against the API as a whole.
    if (http_status >= 500 && http_status < 600) {
        return failure_reason::server;
    }
    return failure_reason::other;
}

bool is_refused_answer(errc error) noexcept {
    switch (error) {
        case errc::malformed_response:
        case errc::header_too_large:
        case errc::response_too_large:
        case errc::encoded_response:
        case errc::foreign_content:
            return true;
        default:
            return false;
    }
}

const boost::system::error_category& category() noexcept {
    // Constant-initialised: an error code can be used before and after main().
    static constinit const kallglot_category instance;
    return instance;
}

} // namespace kallglot

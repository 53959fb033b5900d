/// Builds the answer to one GET from the status, the fields and the body of its response, for both versions of HTTP.
///
/// The rules that decide which response is believed are here, so that none of them can exist in one version only. How
/// a response is framed is the matter of its caller: response_reader for HTTP/1.1, http2_session for HTTP/2.

#ifndef KALLGLOT_NET_CLIENT_ANSWER_READER_HPP
#define KALLGLOT_NET_CLIENT_ANSWER_READER_HPP

#include "kallglot/api/session_parser.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot {

/// The longest header. Servers with many cookies and policies send 48 KiB. Over HTTP/2 it is the size of the list of
/// fields (RFC 9113 section 6.5.2).
inline constexpr std::size_t response_header_limit_bytes = 64 * 1024;

/// Reads one response after another; reusable, so that a poll allocates nothing. Loop only.
///
/// The calls return the error that ends the response; the caller passes it to fail().
/// Cost: about 1 KiB. Idle connections have none; a connection borrows one when a response arrives.
class answer_reader {
public:
    answer_reader() = default;
    ~answer_reader();
    answer_reader(const answer_reader&) = delete;
    answer_reader& operator=(const answer_reader&) = delete;

    /// Begins a response that must describe `expected`; wipes the response before it.
    ///
    /// Units: `body_limit_bytes` bounds every body. The body of an error is parsed up to 16 KiB.
    void start(const session_id& expected, std::size_t body_limit_bytes);

    /// Wipes the response. Called after the answer was delivered.
    void forget() noexcept;

    /// The status of the final response, or of an interim one (1xx), of which ten are skipped.
    /// Errors: malformed_response, also for 101, after which the connection would speak another protocol.
    [[nodiscard]] std::optional<errc> take_status(int status) noexcept;

    /// Content-Encoding. Errors: encoded_response.
    [[nodiscard]] std::optional<errc> take_encoding(std::string_view value) const noexcept;

    /// Content-Type. Errors: foreign_content for a 200 that is not JSON.
    [[nodiscard]] std::optional<errc> take_type(std::string_view value) const noexcept;

    /// Any other field. Those of an interim response are dropped: they do not describe the final one.
    void take_field(std::string_view name, std::string_view value) noexcept;

    /// The next piece of the body. Errors: response_too_large.
    [[nodiscard]] std::optional<errc> take_body(std::string_view piece) noexcept;

    /// The response is complete: takes the session or the API's error out of its body.
    void finish() noexcept;

    /// The response ends with an error. Its values are dropped; its headers stay.
    void fail(errc fault) noexcept;

    [[nodiscard]] int status() const noexcept { return status_; }

    [[nodiscard]] bool interim() const noexcept { return status_ >= 100 && status_ < 200; }

    /// After finish(): status, headers, snapshot or problem; `error` if the body is no valid session. After fail():
    /// `error`, and the headers received so far. The caller fills in slot and times.
    [[nodiscard]] const api_answer& answer() const noexcept { return answer_; }

    [[nodiscard]] api_answer& answer() noexcept { return answer_; }

private:
    session_parser session_;
    std::string error_body_; // of a response other than 200
    api_answer answer_;
    std::size_t body_limit_ = 0;
    std::size_t body_size_ = 0;
    int status_ = 0;
    int interim_responses_ = 0;
    bool overflow_ = false; // the body of the error is over its limit
};

} // namespace kallglot

#endif

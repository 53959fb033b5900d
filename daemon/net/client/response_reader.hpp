/// Reads one HTTP/1.1 response to one GET, with strict checks of its framing.
///
/// A framing mistake credits an answer to the wrong request, so every ambiguous message is rejected: see feed(). The
/// body of a 200 goes straight into the session parser, and the rest of the body is never copied. No I/O and no
/// connection here: the caller feeds the received bytes and wipes them.

#ifndef KALLGLOT_NET_CLIENT_RESPONSE_READER_HPP
#define KALLGLOT_NET_CLIENT_RESPONSE_READER_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/tracking/session_id.hpp"
#include "net/client/answer_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace kallglot {

/// Reads one response after another; reusable, so that a poll allocates nothing. Loop only.
///
/// Cost: about 3 KiB. Idle connections have none; a connection borrows one when a response arrives.
class response_reader {
public:
    response_reader();
    ~response_reader();
    response_reader(const response_reader&) = delete;
    response_reader& operator=(const response_reader&) = delete;

    /// Begins a response that must describe `expected`; wipes the response before it.
    ///
    /// Units: `body_limit_bytes` bounds every body. The body of an error is parsed up to 16 KiB.
    void start(const session_id& expected, std::size_t body_limit_bytes);

    /// Wipes the response. Called after the answer was delivered.
    void forget() noexcept;

    enum class progress : std::uint8_t { more, complete, failed };

    /// Takes the next bytes, split at any position.
    ///
    /// Complete: a status in 100..599, framed by one Content-Length or by exactly `chunked` on HTTP/1.1, or 204 and
    /// 304 without a body; nothing after the end. Up to ten interim responses (1xx) are skipped, and 8 KiB of trailers
    /// that do not describe the message.
    /// Errors: malformed_response, header_too_large (64 KiB), response_too_large, encoded_response, foreign_content,
    ///         unsolicited_data (bytes after the end; also from a call after `complete`). The connection must be
    ///         closed.
    [[nodiscard]] progress feed(std::span<const char> bytes) noexcept;

    /// After `complete`: status, headers, snapshot or problem; `error` if the body is no valid session. After `failed`:
    /// `error`, and the headers received so far. The caller fills in slot and times.
    [[nodiscard]] const api_answer& answer() const noexcept { return answer_.answer(); }

    [[nodiscard]] api_answer& answer() noexcept { return answer_.answer(); }

    /// Whether the next request may use the same connection. Precondition: `complete`.
    [[nodiscard]] bool reusable() const noexcept;

    /// The server's timeout for an idle connection (`Keep-Alive: timeout=`); nothing if it sent none.
    [[nodiscard]] std::optional<seconds> keep_alive_timeout() const noexcept;

private:
    struct http; // Beast's parser with our checks

    progress consume(std::span<const char>& bytes);
    progress keep_rest(std::span<const char> bytes);
    progress fail(errc fault) noexcept;
    void restart_parser();

    answer_reader answer_;
    std::unique_ptr<http> http_;
    std::string pending_; // the beginning of a line that is incomplete
    std::size_t body_limit_ = 0;
    std::size_t header_bytes_ = 0;
    bool complete_ = false;
};

} // namespace kallglot

#endif

/// One HTTP/1.1 response to one GET, read byte by byte and believed only if nothing about it is doubtful.
///
/// Framing is where answers get credited to the wrong request, so everything that two readers could understand
/// differently is refused: see feed(). The body of a 200 goes straight into the session parser; what it holds
/// besides a session's few fields is never copied. No I/O and no connection here; the caller feeds what it received
/// and wipes it.

#ifndef KALLGLOT_NET_CLIENT_RESPONSE_READER_HPP
#define KALLGLOT_NET_CLIENT_RESPONSE_READER_HPP

#include "kallglot/api/session_parser.hpp"
#include "kallglot/base/error.hpp"
#include "kallglot/ports/api_client.hpp"
#include "kallglot/tracking/session_id.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace kallglot {

/// Reads one response after another; reusable, so that a poll allocates nothing. Loop only.
///
/// Lifetime: about 3 KiB; idle connections need none, they borrow one when a response arrives.
class response_reader {
public:
    response_reader();
    ~response_reader();
    response_reader(const response_reader&) = delete;
    response_reader& operator=(const response_reader&) = delete;

    /// Begins a response that must describe `expected`; forgets and wipes the one before.
    ///
    /// Units: `body_limit_bytes` bounds every body; of those other than a 200's, 16 KiB are looked at.
    void start(const session_id& expected, std::size_t body_limit_bytes);

    /// Wipes what is left of a response. Called when the answer has been handed on.
    void forget() noexcept;

    enum class progress : std::uint8_t { more, complete, failed };

    /// Takes the next bytes, split anywhere.
    ///
    /// Complete: a status in 100..599, framed by one Content-Length or by exactly `chunked` on HTTP/1.1, or 204 and
    /// 304 without a body; no trailers; nothing after the end. 1xx are skipped, ten at most.
    /// Errors: malformed_response, header_too_large (8 KiB), response_too_large, encoded_response, foreign_content,
    ///         unsolicited_data (bytes after the end; also from a call after `complete`). The connection is of no further use.
    [[nodiscard]] progress feed(std::span<const char> bytes) noexcept;

    /// After `complete`: status, headers, snapshot or problem; `error` for a body that was framed well but says the
    /// wrong thing. After `failed`: `error`, and the headers as far as they came. Slot and times are the caller's.
    [[nodiscard]] const api_answer& answer() const noexcept { return answer_; }

    [[nodiscard]] api_answer& answer() noexcept { return answer_; }

    /// Whether the next request may use the same connection. After `complete`.
    [[nodiscard]] bool reusable() const noexcept;

    /// How long the server keeps the connection idle (`Keep-Alive: timeout=`), if it said so.
    [[nodiscard]] std::optional<seconds> keep_alive_timeout() const noexcept;

private:
    class http; // the parser of Beast with our callbacks

    progress consume(std::span<const char>& bytes);
    progress keep_rest(std::span<const char> bytes);
    progress fail(errc fault) noexcept;
    void conclude() noexcept;
    void restart_parser();

    std::unique_ptr<http> http_;
    session_parser session_;
    std::string pending_;    // the beginning of a line whose end has not come yet
    std::string error_body_; // of a response other than 200
    api_answer answer_;
    std::size_t body_limit_ = 0;
    std::size_t header_bytes_ = 0;
    int interim_responses_ = 0;
    bool complete_ = false;
};

} // namespace kallglot

#endif

/// One client connection's HTTP/2 over nghttp2, without I/O: bytes in, bytes out, answers to a listener.
///
/// It carries GETs of sessions and nothing else. It checks what nghttp2 1.52 does not: END_STREAM as the only valid
/// end, the limits of headers and bodies, and a budget for frames that carry no answer. No Asio and no TLS here: the
/// caller (http2_connection) decrypts, encrypts and has the socket. Every exchange is answered once: with a response,
/// an error, or as not processed. See design note 007.
///
/// Source: RFC 9113; nghttp2 1.52.0-1+deb12u3.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_SESSION_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_SESSION_HPP

#include "kallglot/base/time.hpp"
#include "net/client/api_connection.hpp"
#include "net/client/http2_frame_budget.hpp"
#include "net/client/http2_liveness.hpp"
#include "net/client/http2_memory.hpp"
#include "net/client/http2_resets.hpp"
#include "net/client/http2_stream.hpp"
#include "net/client/reader_stock.hpp"
#include "net/client/request_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct nghttp2_session;

namespace kallglot {

struct http2_limits {
    std::size_t max_streams = 100; ///< requests at a time; the server may allow fewer
    std::size_t body_limit_bytes = 256 * 1024;
    std::uint32_t max_requests = 1U << 20U; ///< after that many the session takes no more
    /// How long the place of a cancelled request stays taken: the server still works on it.
    steady_duration place_kept_after = seconds(10);
    bool may_ping = true; ///< see http2_liveness
};

/// Loop only. Lifetime: listener and readers outlive it.
///
/// Has more than 15 members: they are one state of one protocol, and every callback of nghttp2 changes several.
class http2_session {
public:
    http2_session(exchange_listener& listener,
                  reader_stock<answer_reader>& readers,
                  const http2_limits& limits);
    ~http2_session();
    http2_session(const http2_session&) = delete;
    http2_session& operator=(const http2_session&) = delete;

    /// How many requests it takes now. 0 before the server's SETTINGS, and once it is draining or over.
    [[nodiscard]] std::size_t room(steady_time now) const noexcept;

    /// How many requests it takes at once when it is unused.
    [[nodiscard]] std::size_t max_room() const noexcept;

    /// Appends one request to output(). Precondition: room() > 0. The next deliver() reports a failure.
    void open(exchange_ref ticket, request_text& text);

    /// Gives up a request: deliver() answers it with request_timeout. Its place stays taken for a while.
    void cancel(exchange_ref ticket, steady_time now);

    /// Takes the next bytes of the server, split at any position. False: the session is over, see fault().
    [[nodiscard]] bool receive(std::span<const char> bytes, steady_time now);

    /// Reports to the listener what receive(), cancel() and abandon() found. It may call open() from inside.
    void deliver(steady_time now);

    /// Whether the server is alive, as far as a silence shows; may add a PING to output(). False: it is dead.
    [[nodiscard]] bool is_alive(steady_time now);

    /// When to call is_alive() again; max() while no request is in flight.
    [[nodiscard]] steady_time next_check(steady_time now) const noexcept;

    /// Takes no further request; those in flight continue.
    void drain() noexcept { draining_ = true; }

    /// Ends every request in flight for `reason`; deliver() reports them. The session is over.
    void abandon(errc reason);

    /// Appends the GOAWAY of an orderly end to output(). Precondition: abandon().
    void say_goodbye();

    /// Bytes for the server, with the API key in them. The caller wipes and clears it.
    [[nodiscard]] std::string& output() noexcept { return output_; }

    /// Whether the server's SETTINGS have come: before that, no request may be sent.
    [[nodiscard]] bool settled() const noexcept { return settled_; }

    /// Whether it takes no further request: after GOAWAY, after drain(), at the limit of requests.
    [[nodiscard]] bool draining() const noexcept { return draining_; }

    /// Whether it is close to its limit of requests, so that another connection should open in its place.
    [[nodiscard]] bool worn() const noexcept {
        // So many requests may go over it while the other one opens. If it has few in all, it uses half of them.
        const std::size_t rest =
            std::min<std::size_t>(3 * max_room() / 2, limits_.max_requests / 2);
        return requests_ + rest >= limits_.max_requests;
    }

    /// Whether deliver() has something to report.
    [[nodiscard]] bool has_reports() const noexcept { return !finished_.empty(); }

    /// Whether every exchange has its answer.
    [[nodiscard]] bool empty() const noexcept { return in_flight_ == 0 && finished_.empty(); }

    /// Whether so many places are kept for cancelled requests that another connection serves better.
    [[nodiscard]] bool crowded(steady_time now) const noexcept;

    /// Why the session is over.
    [[nodiscard]] std::optional<errc> fault() const noexcept { return fault_; }

    /// Static text for the log; may be empty.
    [[nodiscard]] std::string_view detail() const noexcept { return detail_; }

    /// What the server asked for since the last call.
    [[nodiscard]] std::vector<http2_notice> take_notices() { return std::exchange(notices_, {}); }

    /// Memory of nghttp2, for tests.
    [[nodiscard]] http2_memory& memory() noexcept { return memory_; }

private:
    struct callbacks;
    struct shared_parts;

    void make_native();
    void start();
    void pump();
    void append(std::string_view frame);
    void consume(std::span<const char> slice);
    void charge(std::size_t points) noexcept;
    void fail(errc fault, std::string_view detail) noexcept;

    [[nodiscard]] std::uint32_t stream_window() const noexcept;
    [[nodiscard]] http2_stream* find(std::int32_t id) const noexcept;
    void begin_frame(std::uint8_t type,
                     std::uint8_t flags,
                     std::size_t size,
                     std::int32_t id) noexcept;
    void begin_header(http2_stream& stream);
    void take_field(http2_stream& stream, std::string_view name, std::string_view value);
    void take_body(http2_stream& stream, std::string_view piece);
    void end_frame(http2_stream& stream, bool end_of_stream);
    void note_goaway(std::uint32_t code, std::int32_t last_id);
    void note_reset(http2_stream& stream, std::uint32_t code);
    void close(http2_stream& stream);
    void judge_end(http2_stream& stream);
    void note_own_reset(std::int32_t id, steady_time now);
    void settle(http2_stream& stream);
    void lose(http2_stream& stream, errc reason);
    void report(http2_stream& stream, steady_time now);
    void recycle(http2_stream_list& one);
    [[nodiscard]] http2_stream& take_spare(http2_stream_list& to);
    [[nodiscard]] bool is_above_last(const http2_stream& stream) const noexcept;
    [[nodiscard]] std::optional<steady_time> silent_since() const noexcept;
    void ping(steady_time now);

    exchange_listener& listener_;
    reader_stock<answer_reader>& readers_;
    http2_limits limits_;
    http2_memory memory_;
    nghttp2_session* native_ = nullptr;

    http2_stream_list streams_;  // known to nghttp2
    http2_stream_list finished_; // over; deliver() reports them
    http2_stream_list spare_;
    std::size_t in_flight_ = 0; // streams without an answer
    std::uint32_t requests_ = 0;
    std::size_t answers_ = 0;

    std::string output_;
    std::vector<http2_notice> notices_;
    std::optional<std::uint32_t> goaway_code_;
    std::int32_t goaway_last_id_ = 0;
    http2_resets resets_;
    http2_liveness liveness_;
    steady_time now_ = no_time; // of the newest receive()

    http2_frame_budget budget_;
    std::size_t continuations_ = 0; // of the present header
    int bad_in_a_row_ = 0;          // answers that could not be believed
    std::optional<errc> fault_;
    std::string_view detail_;
    std::exception_ptr bug_;      // out of a callback; receive() throws it
    bool cause_reported_ = false; // one request has reported why the connection ended
    bool settled_ = false;
    bool draining_ = false;
};

} // namespace kallglot

#endif

/// Bytes of a client in, checked requests out: the HTTP rules of both listeners, without I/O.
///
/// Beast's parser reads the head; what it lets through and others use for smuggling is refused here: any
/// Transfer-Encoding, repeated lengths, folded lines, no or two Hosts. A body is framed by one Content-Length and by
/// nothing else. Keeps what a client sent behind a request for the next one and looks at it only then.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_PARSER_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_PARSER_HPP

#include "kallglot/net/server/http_server_types.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace kallglot {

/// Source: RFC 9112; measured behaviour of Boost 1.81. Memory: header_bytes and one body.
class http_server_parser {
public:
    enum class state {
        idle,            ///< nothing of a request has arrived
        reading,         ///< a part of one has
        expect_continue, ///< the client waits for `100 Continue` before it sends the body
        complete,        ///< take() has the request
        refused,         ///< refusal() has the status; nothing can be read behind it
    };

    explicit http_server_parser(const http_limits& limits);

    /// Takes bytes in. After `refused` and `complete` the bytes are only kept.
    state put(std::string_view bytes);

    [[nodiscard]] state now() const noexcept { return state_; }

    /// What is known of a request whose body has not arrived in full; null before its head has, and once it is complete.
    /// Lifetime: until the next put() or take().
    [[nodiscard]] const http_request* head() const noexcept {
        return in_body_ && state_ != state::complete && state_ != state::refused ? &request_
                                                                                 : nullptr;
    }

    /// Bytes of its body that have not arrived. Precondition: there is a head().
    [[nodiscard]] std::size_t awaited() const noexcept { return body_size_ - buffer_.size(); }

    /// The `100 Continue` was sent: the state is `reading` from here on. Precondition: expect_continue.
    void continued() noexcept;

    /// 400, 411, 413, 414, 417, 431, 501 or 505. Precondition: refused.
    [[nodiscard]] int refusal() const noexcept { return refusal_; }

    /// The request; begins the next one with the bytes that came behind it. Precondition: complete.
    [[nodiscard]] http_request take();

private:
    void advance();
    void look_for_head();
    void read_head(std::string_view head);
    void begin_body();
    void read_body();
    void refuse(int status) noexcept;

    http_limits limits_;
    std::string buffer_;
    std::size_t scanned_ = 0;
    std::size_t body_size_ = 0;
    bool in_body_ = false;
    http_request request_;
    state state_ = state::idle;
    int refusal_ = 0;
};

} // namespace kallglot

#endif

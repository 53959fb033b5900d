/// Parses HTTP requests from bytes, with the rules of both listeners and without I/O.
///
/// Beast's parser reads the head. This class rejects what Beast accepts and attackers use for request smuggling: any
/// Transfer-Encoding, repeated lengths, folded lines, no or two Hosts. Only one Content-Length frames a body. Bytes
/// behind a request belong to the next one and are parsed after take().

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
        idle,            ///< no byte of a request has arrived
        reading,         ///< a part of a request has arrived
        expect_continue, ///< the client waits for `100 Continue` before it sends the body
        complete,        ///< take() has the request
        refused,         ///< refusal() has the status; the connection must be closed
    };

    explicit http_server_parser(const http_limits& limits);

    /// Parses bytes. In the states `refused` and `complete` it only stores them.
    state put(std::string_view bytes);

    [[nodiscard]] state now() const noexcept { return state_; }

    /// The head of a request whose body is incomplete; null before the head has arrived, and once the body is complete.
    /// Lifetime: until the next put() or take().
    [[nodiscard]] const http_request* head() const noexcept {
        return in_body_ && state_ != state::complete && state_ != state::refused ? &request_
                                                                                 : nullptr;
    }

    /// Bytes of the body that are still missing. Precondition: head() is not null.
    [[nodiscard]] std::size_t missing_bytes() const noexcept { return body_size_ - buffer_.size(); }

    /// The server has sent `100 Continue`: the state becomes `reading`. Precondition: expect_continue.
    void note_continue_sent() noexcept;

    /// 400, 411, 413, 414, 417, 431, 501 or 505. Precondition: refused.
    [[nodiscard]] int refusal() const noexcept { return refusal_; }

    /// Returns the request, and parses the bytes behind it as the next one. Precondition: complete.
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

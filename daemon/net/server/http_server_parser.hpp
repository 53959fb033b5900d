/// Parses HTTP requests from bytes, with the rules of both listeners and without I/O.
///
/// Beast's parser reads the head. This class rejects what Beast accepts and attackers use for request smuggling: repeated
/// lengths, a length beside chunks, folded lines, no or two Hosts. One Content-Length frames a body, or the coding `chunked`
/// alone. Bytes behind a request belong to the next one and are parsed after take().

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_PARSER_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_PARSER_HPP

#include "kallglot/net/server/http_server_types.hpp"
#include "net/server/chunk_decoder.hpp"

#include <cstddef>
#include <optional>
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

    /// `client` becomes a part of each request.
    explicit http_server_parser(const http_limits& limits, const http_client_place& client = {});

    /// Drops this prefix from the paths that begin with it; `/kallglot` without a slash at the end. For a proxy that
    /// passes on its prefix. Lifetime: `prefix` outlives the parser.
    void use_prefix(std::string_view prefix) noexcept { prefix_ = prefix; }

    /// Parses bytes. In the states `refused` and `complete` it only stores them.
    state put(std::string_view bytes);

    [[nodiscard]] state now() const noexcept { return state_; }

    /// The head of a request whose body is incomplete; null before the head has arrived, and once the body is complete.
    /// Lifetime: until the next put() or take().
    [[nodiscard]] const http_request* head() const noexcept {
        return in_body_ && state_ != state::complete && state_ != state::refused ? &request_
                                                                                 : nullptr;
    }

    /// Memory of the part of the body that has arrived.
    [[nodiscard]] std::size_t body_bytes() const noexcept {
        return in_body_ ? buffer_.size() + request_.body.size() : 0;
    }

    /// The path of the request that is being read or was refused. Empty before its head has arrived, and if it has none.
    /// Of a refused request it is not checked: never repeat it.
    [[nodiscard]] const std::string& path() const noexcept { return request_.path; }

    /// The server has sent `100 Continue`: the state becomes `reading`. Precondition: expect_continue.
    void note_continue_sent() noexcept;

    /// 400, 413, 417, 431 or 501. Precondition: refused.
    [[nodiscard]] int refusal() const noexcept { return refusal_; }

    /// Whether the bytes that were refused are the beginning of a TLS connection. Precondition: refused.
    [[nodiscard]] bool is_tls() const noexcept { return buffer_.starts_with('\x16'); }

    /// Returns the request, and parses the bytes behind it as the next one. Precondition: complete.
    [[nodiscard]] http_request take();

    /// Returns the request without its body, as the last one of the connection: nothing behind it is parsed. Precondition:
    /// head() is not null.
    [[nodiscard]] http_request take_head();

private:
    void advance();
    void look_for_head();
    void read_head(std::string_view head);
    void begin_body();
    void read_body();
    void read_chunks();
    void refuse(int status);

    http_limits limits_;
    http_client_place client_;
    std::string_view prefix_;
    std::string buffer_;
    std::size_t scanned_ = 0;
    std::size_t body_size_ = 0;
    std::optional<chunk_decoder> chunks_; ///< of a chunked body
    bool in_body_ = false;
    http_request request_;
    state state_ = state::idle;
    int refusal_ = 0;
};

} // namespace kallglot

#endif

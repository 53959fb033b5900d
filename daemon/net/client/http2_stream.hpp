/// One request on an HTTP/2 connection, as http2_session keeps it.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_STREAM_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_STREAM_HPP

#include "net/client/answer_reader.hpp"
#include "net/client/exchanges.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>

namespace kallglot {

/// How much of a response has arrived.
enum class stream_stage : std::uint8_t {
    waiting, ///< nothing, or interim responses (1xx) only
    header,  ///< a header, interim or final, is arriving
    body,    ///< the final header is complete
    trailer, ///< fields behind the body, which are skipped
    complete ///< END_STREAM: the only end that makes an answer valid
};

struct http2_stream;
using http2_stream_list = std::list<http2_stream>;

/// Loop only.
struct http2_stream {
    exchange_ref ticket{};
    http2_stream_list::iterator position{};  ///< its own
    std::unique_ptr<answer_reader> reader;   ///< from the first header on
    std::optional<errc> fault;               ///< why the request failed
    std::optional<resend_cause> unprocessed; ///< the API certainly did not process it
    std::optional<std::uint32_t> reset;      ///< the code of the API's RST_STREAM
    std::size_t header_size = 0;
    std::int32_t id = 0;
    stream_stage stage = stream_stage::waiting;
    bool answered = false; ///< its exchange has its answer already; nghttp2 still knows the stream
    bool over = false;     ///< nghttp2 does not know it any more
    bool shared_cause = false;
};

} // namespace kallglot

#endif

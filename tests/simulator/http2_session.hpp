// HTTP/2 of one client connection, by nghttp2's server session: bytes in, bytes out, no socket.
//
// nghttp2 keeps the rules of the protocol; the faults that break them are frames of http2_frames.hpp between its own. The
// session uses no dynamic table for the fields that it sends, so that such frames fit anywhere.

#ifndef KALLGLOT_SIMULATOR_HTTP2_SESSION_HPP
#define KALLGLOT_SIMULATOR_HTTP2_SESSION_HPP

#include "simulator/server_session.hpp"

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace kallglot::simulator {

/// The HTTP/2 side of `server_session`. Each stream is one request, answered independently of the others.
///
/// Errors:     the constructor throws `std::bad_alloc`
class http2_session final : public server_session {
public:
    http2_session(request_host& host, bool from_this_machine);
    ~http2_session() override;

    void receive(std::string_view plain, moment now, std::string& out) override;
    void resume(moment now, std::string& out) override;
    [[nodiscard]] std::optional<moment> next_due() const override;

    [[nodiscard]] session_end end() const override { return end_; }

private:
    /// nghttp2's callbacks, in a body of their own.
    struct callbacks;

    struct session_deleter {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };

    /// One request and its answer.
    struct stream {
        std::string method;
        std::string target;
        std::string authorization;
        std::string api_key;
        std::string body;
        std::size_t head_bytes{0};
        http_answer answer;
        std::size_t sent{0};      // of the answer's body
        std::size_t allowance{0}; // what a paced body may send before it is resumed
        bool counted{false};
        bool delivered{false};
    };

    /// Frames without end. An exclusive one without bytes is silence.
    struct flood {
        std::string unit;
        std::uint64_t bytes_left{0};
        bool exclusive{false}; // nothing else is read or sent any more
    };

    [[nodiscard]] std::unique_ptr<nghttp2_session, session_deleter> make_session();
    void serve(std::int32_t id, stream& current, moment now);
    void deliver(std::int32_t id, stream& current, moment now);
    [[nodiscard]] bool deliver_broken(std::int32_t id, stream& current, moment now);
    void submit_answer(std::int32_t id, stream& current);
    void submit_trailers(std::int32_t id, fault kind);
    [[nodiscard]] ssize_t read_body(std::int32_t id,
                                    stream& current,
                                    std::span<std::uint8_t> room,
                                    std::uint32_t& flags);
    void end_body(std::int32_t id);
    void go_away(std::int32_t last_stream, std::uint32_t code);
    void begin_flood(fault kind, std::int32_t id, moment now);
    void continue_due(std::int32_t id, moment now);
    void send_flood(moment now);
    void announce_max_streams();
    void flush(std::string& out);
    void drain();
    void over(stream& current);

    request_host& host_;
    request_origin origin_;
    session_end end_{session_end::open};
    std::unordered_map<std::int32_t, stream> streams_;
    std::vector<std::int32_t> complete_;      // requests that have come and are not yet served
    std::vector<std::int32_t> cut_;           // streams whose body was sent up to its cut
    std::multimap<moment, std::int32_t> due_; // streams that wait for a time; 0: the flood
    flood flood_;
    std::string output_;
    std::string afterwards_; // follows the frame that nghttp2 is about to give
    std::optional<std::uint32_t> announced_max_streams_;
    std::int32_t last_stream_{std::numeric_limits<std::int32_t>::max()}; // of the GOAWAY sent
    std::unique_ptr<nghttp2_session, session_deleter> session_;
};

} // namespace kallglot::simulator

#endif

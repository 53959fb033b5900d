// An HTTP/2 client in memory, on nghttp2: what the simulator's session is tested with.

#ifndef KALLGLOT_TESTS_SIMULATOR_HTTP2_CLIENT_HPP
#define KALLGLOT_TESTS_SIMULATOR_HTTP2_CLIENT_HPP

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kallglot::simulator {

/// One connection. Bytes of the server go into `feed`, bytes for it come out of `take`.
class http2_client {
public:
    struct answer {
        int status{0};
        int interim_count{0};
        std::map<std::string, std::string> fields;
        std::map<std::string, std::string> trailers;
        std::string body;
        bool ended{false}; // END_STREAM was seen
        std::optional<std::uint32_t> closed_with;
    };

    http2_client();

    /// Returns the stream of the request.
    std::int32_t send(const std::string& method, const std::string& path, const std::string& key);
    void cancel(std::int32_t id);

    /// Returns nghttp2's error, 0 for none.
    int feed(std::string_view bytes);
    [[nodiscard]] std::string take();

    [[nodiscard]] answer& of(std::int32_t id) { return answers_[id]; }

    /// The connection has ended, by GOAWAY or by an error.
    [[nodiscard]] bool over() const;

    /// Last stream and code of the newest GOAWAY.
    [[nodiscard]] const std::optional<std::pair<std::int32_t, std::uint32_t>>& goaway() const {
        return goaway_;
    }

    [[nodiscard]] std::uint32_t max_streams() const;

    /// All bytes of the server, also of frames that nghttp2 ignores.
    [[nodiscard]] std::size_t fed_bytes() const { return fed_bytes_; }

    /// Frames by type, counted as they begin.
    [[nodiscard]] int frames(std::uint8_t type) { return frames_[type]; }

private:
    struct callbacks;

    struct deleter {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };

    std::map<std::int32_t, answer> answers_;
    std::map<std::uint8_t, int> frames_;
    std::optional<std::pair<std::int32_t, std::uint32_t>> goaway_;
    std::size_t fed_bytes_{0};
    std::unique_ptr<nghttp2_session, deleter> session_;
};

} // namespace kallglot::simulator

#endif

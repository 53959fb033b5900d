// HTTP/1.1 of one client connection: bytes into requests, and answers back in the same order.

#ifndef KALLGLOT_SIMULATOR_HTTP1_SESSION_HPP
#define KALLGLOT_SIMULATOR_HTTP1_SESSION_HPP

#include "simulator/http1_answer.hpp"
#include "simulator/server_session.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace kallglot::simulator {

/// The HTTP/1.1 side of `server_session`. Pipelined requests are answered one after the other.
class http1_session final : public server_session {
public:
    http1_session(request_host& host, bool from_this_machine)
        : host_(host),
          origin_{from_this_machine, false, 0} {}

    ~http1_session() override;

    void receive(std::string_view plain, moment now, std::string& out) override;
    void resume(moment now, std::string& out) override;

    [[nodiscard]] std::optional<moment> next_due() const override { return due_; }

    [[nodiscard]] session_end end() const override { return end_; }

private:
    enum class state : std::uint8_t {
        reading,  // no answer is due
        delaying, // an answer is ready and waits for its delay
        dripping, // the answer is sent byte by byte
        flooding, // chunks are sent without end
        silent,   // nothing is sent any more
        over,     // the last answer was sent
    };

    void serve(std::string_view data, moment now, std::string& out);
    [[nodiscard]] std::size_t serve_one(std::string_view data, moment now, std::string& out);
    void conclude(after_answer after, std::size_t start, moment now, std::string& out);
    void send_next_byte(moment now, std::string& out);
    void send_flood(moment now, std::string& out);
    void request_over();

    request_host& host_;
    request_origin origin_;
    bool counted_{false};
    state state_{state::reading};
    session_end end_{session_end::open};
    after_answer pending_after_{after_answer::keep_open};
    std::optional<moment> due_;
    std::uint64_t flooded_{0};
    std::string pending_answer_;
    std::string unread_; // bytes of a request that is not complete, or has to wait
};

} // namespace kallglot::simulator

#endif

#include "support/fake_api.hpp"

#include <algorithm>
#include <utility>

namespace kallglot::test {

fake_api::fake_api(virtual_clock& time,
                   api_listener& listener,
                   std::size_t connections,
                   server answers)
    : clock_(time),
      listener_(listener),
      connections_(connections),
      answers_(std::move(answers)) {}

void fake_api::get(request_permit permit, const get_request& request) {
    held_ += holding_ ? 1 : 0;
    [[maybe_unused]] const request_permit spent = std::move(permit);
    const steady_time sent = clock_.now();
    twice_ += in_flight_.insert(index_of(request.slot)).second ? 0 : 1;
    peak_ = std::max(peak_, in_flight_.size());
    ++count_;
    if (recording_) {
        requests_.push_back({sent, std::string(request.id.view()), request.fresh_connection});
    }
    fake_reply reply = answers_(request.id.view(), sent);
    reply.answer.slot = request.slot;
    reply.answer.sent = reply.written ? sent : no_time;
    clock_.at(sent + reply.latency, [this, answer = std::move(reply.answer)]() mutable {
        answer.received = clock_.now();
        in_flight_.erase(index_of(answer.slot));
        listener_.on_answer(answer);
    });
}

api_connection_counts fake_api::connections() const noexcept {
    api_connection_counts counts;
    counts.busy = in_flight_.size();
    counts.idle = connections_ - in_flight_.size();
    return counts;
}

fake_reply ok_reply(session_status status, api_time date) {
    fake_reply reply;
    reply.answer.http_status = 200;
    reply.answer.snapshot.status = status;
    reply.answer.headers.date = std::chrono::floor<seconds>(date);
    return reply;
}

fake_reply status_reply(int http_status, api_time date) {
    fake_reply reply;
    reply.answer.http_status = http_status;
    reply.answer.headers.date = std::chrono::floor<seconds>(date);
    return reply;
}

fake_reply failed_reply(errc error) {
    fake_reply reply;
    reply.answer.error = error;
    return reply;
}

} // namespace kallglot::test

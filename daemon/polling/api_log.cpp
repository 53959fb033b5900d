#include "polling/api_log.hpp"

#include <string_view>

namespace kallglot {

namespace {

std::string describe_failure(const api_answer& answer) {
    if (!answer.error) {
        return "HTTP status " + std::to_string(answer.http_status);
    }
    std::string text = answer.error.message();
    if (!answer.detail.empty()) {
        text += ": ";
        text += answer.detail;
    }
    return text;
}

} // namespace

void api_log::note_failure(const api_answer& answer) {
    last_failure_ = describe_failure(answer);
    const auto code = static_cast<errc>(answer.error.value());
    if (!answer.error || !is_refused_answer(code)) {
        return;
    }
    const auto kind = refused_.try_emplace(code, std::chrono::hours(1)).first;
    if (const auto count = kind->second.note(answer.received)) {
        log_.warn("API answer refused: the session keeps its status",
                  {{"reason", answer.error.message()},
                   {"answers", *count},
                   {"hint", "a proxy or gateway on the way to the API may change its responses"}});
    }
}

void api_log::note_stored(const answer_age& age, steady_time now) {
    if (const auto count = stored_.note(now)) {
        log_.warn(
            "API responses come from a cache: they cannot confirm that a session is over a "
            "threshold",
            {{"shown_by", age.shown_by},
             {"answers", *count},
             {"hint", "exclude the API from each cache on the way to it"}});
    }
}

void api_log::note_state(api_state state) {
    if (state == state_) {
        return;
    }
    const std::string_view from = to_string(state_);
    state_ = state;
    // `starting` is no trouble: the first answer decides.
    if (state == api_state::ok || state == api_state::starting) {
        log_.info("API usable", {{"from", from}, {"to", to_string(state)}});
        return;
    }
    // Throttled polls are late, but what they answer is right.
    const std::string_view message =
        state == api_state::throttled
            ? "API limits the request rate: polls wait"
            : "API not usable: session states are outdated until it is usable again";
    log_.warn(message, {{"from", from}, {"to", to_string(state)}, {"reason", last_failure_}});
}

} // namespace kallglot

#include "polling/api_log.hpp"

#include "support/kept_log.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;
using texts = std::vector<std::string>;

constexpr steady_time t0{1000h};

api_answer failed(const error_code& error, std::string_view detail = {}, steady_time at = t0) {
    api_answer answer;
    answer.error = error;
    answer.detail = detail;
    answer.received = at;
    return answer;
}

class ApiLog : public testing::Test {
protected:
    kept_log lines_;
    api_log log_{lines_};
};

TEST_F(ApiLog, StateIsLoggedOnceWithTheNewestFailure) {
    log_.note_failure(failed(errc::connect_timeout));
    log_.note_failure(failed(errc::connect_refused, "Connection refused"));
    log_.note_state(api_state::unreachable);
    log_.note_state(api_state::unreachable);
    EXPECT_EQ(lines_.take(),
              texts({"warn API not usable: session states are outdated until it is usable again"
                     " from=starting to=unreachable reason="
                     + make_error_code(errc::connect_refused).message() + ": Connection refused"}));
    log_.note_state(api_state::ok);
    EXPECT_EQ(lines_.take(), texts({"info API usable from=unreachable to=ok"}));
}

TEST_F(ApiLog, ThrottlingSaysThatPollsWait) {
    api_answer answer;
    answer.http_status = 429;
    log_.note_failure(answer);
    log_.note_state(api_state::throttled);
    EXPECT_EQ(lines_.take(),
              texts({"warn API limits the request rate: polls wait from=starting "
                     "to=throttled reason=HTTP status 429"}));
}

TEST_F(ApiLog, FailuresAloneLogNothing) {
    log_.note_failure(failed(errc::connect_timeout));
    log_.note_state(api_state::starting);
    EXPECT_EQ(lines_.lines, texts());
}

TEST_F(ApiLog, EachKindOfRefusedAnswerIsLoggedOnceAnHour) {
    log_.note_failure(failed(errc::foreign_content));
    log_.note_failure(failed(errc::foreign_content, {}, t0 + 59min));
    log_.note_failure(failed(errc::encoded_response, {}, t0 + 59min));
    EXPECT_EQ(lines_.take().size(), 2U);
    log_.note_failure(failed(errc::foreign_content, {}, t0 + 1h));
    EXPECT_EQ(lines_.take(),
              texts({"warn API answer refused: the session keeps its status reason="
                     + make_error_code(errc::foreign_content).message()
                     + " answers=2 hint=a proxy or gateway on the way to the API may change its "
                       "responses"}));
}

TEST_F(ApiLog, StoredAnswersAreLoggedOnceAnHour) {
    log_.note_stored({t0, "Age"}, t0);
    log_.note_stored({t0, "Age"}, t0 + 59min);
    log_.note_stored({t0, "X-Cache"}, t0 + 1h);
    ASSERT_EQ(lines_.lines.size(), 2U);
    EXPECT_NE(lines_.lines.back().find("shown_by=X-Cache answers=2"), std::string::npos);
}

} // namespace
} // namespace kallglot::test

#include "client_fixture.hpp"
#include "failing_calls.hpp"

#include <cerrno>
#include <string>

namespace kallglot::test {
namespace {

const std::string first_id = "sess_0123456789abcdefghijklmnopqrstuvwxyz";
const std::string second_id = "sess_zyxwvutsrqponmlkjihgfedcba9876543210";
const std::string third_id = "sess_abcdefghijklmnopqrstuvwxyz0123456789";

/// The error of the call that fails.
class HttpsClientCalls : public HttpsClient, public ::testing::WithParamInterface<int> {
protected:
    /// A poll over a new connection and one over the same: the answers and the number of calls.
    int poll_twice(int failing) {
        start_client();
        fail_call(failing, GetParam());
        static_cast<void>(ask_and_wait(first_id));
        static_cast<void>(ask_and_wait(second_id));
        return let_calls_pass();
    }
};

INSTANTIATE_TEST_SUITE_P(Errors,
                         HttpsClientCalls,
                         ::testing::Values(ECONNRESET, ENOBUFS, EPIPE, ETIMEDOUT));

TEST_P(HttpsClientCalls, AnyCallMayFailAndTheNextPollSucceeds) {
    serve({always_good()});
    const int calls = poll_twice(0);
    ASSERT_GE(calls, 8);
    int errors = 0;
    for (int failing = 1; failing <= calls; ++failing) {
        SCOPED_TRACE(failing);
        finish();
        answers_.clear();
        next_slot_ = 0;
        serve({always_good()});
        poll_twice(failing);
        for (const api_answer& answer : answers_) {
            // Either the whole answer, or an error.
            EXPECT_NE(answer.error.failed(), answer.http_status == 200);
            errors += answer.error.failed() ? 1 : 0;
        }
        EXPECT_EQ(ask_and_wait(third_id).http_status, 200);
    }
    EXPECT_GT(errors, calls / 4) << "the calls that failed were not met";
}

} // namespace
} // namespace kallglot::test

// The probe that proves key and API while there is nothing to poll.

#include "unit/polling/poller_fixture.hpp"

namespace kallglot::test {
namespace {

class PollerIdleProbe : public PollerFixture {
protected:
    PollerIdleProbe() {
        answer_ = [this](std::string_view id, steady_time) {
            return id.starts_with("sess_probe_") ? status_reply(404, date())
                                                 : ok_reply(session_status::active, date());
        };
    }

    [[nodiscard]] std::size_t probes() const {
        std::size_t count = 0;
        for (const auto& request : api_->requests()) {
            count += request.id.starts_with("sess_probe_") ? 1 : 0;
        }
        return count;
    }
};

TEST_F(PollerIdleProbe, IsOffUnlessAskedFor) {
    start();
    clock_.advance(1h);
    EXPECT_TRUE(api_->requests().empty());
    EXPECT_EQ(gate_->health().up(), std::nullopt);
}

TEST_F(PollerIdleProbe, ProvesTheKeyEveryMinuteOfIdleness) {
    poller_->use_idle_probe(1min);
    start();
    clock_.advance(59s);
    EXPECT_EQ(probes(), 0U);
    clock_.advance(10min);
    EXPECT_EQ(probes(), 10U);
    EXPECT_EQ(gate_->health().up(), true);
    EXPECT_EQ(gate_->health().state(), api_state::ok);
    // The 404 was what we hoped for.
    EXPECT_EQ(metric("kallglot_exporter_api_request_failures_total", "not_found"), 0);
    EXPECT_EQ(metric("kallglot_exporter_api_responses_total", "404"), 10);
}

TEST_F(PollerIdleProbe, IsSentAgainAtOnceWhenItsConnectionHadBeenClosed) {
    int calls = 0;
    answer_ = [this, &calls](std::string_view, steady_time) {
        return ++calls == 1 ? failed_reply(errc::reused_connection_closed)
                            : status_reply(404, date());
    };
    poller_->use_idle_probe(1min);
    start();
    clock_.advance(61s);
    ASSERT_EQ(probes(), 2U);
    EXPECT_TRUE(api_->requests()[1].fresh);
    EXPECT_EQ(gate_->health().up(), true);
    EXPECT_EQ(metric("kallglot_exporter_api_request_failures_total", "reset"), 0);
    clock_.advance(58s);
    EXPECT_EQ(probes(), 2U);
    clock_.advance(2s);
    EXPECT_EQ(probes(), 3U);
}

TEST_F(PollerIdleProbe, WaitsWhileSessionsArePolled) {
    poller_->use_idle_probe(1min);
    track(name(1));
    start();
    clock_.advance(10min);
    EXPECT_EQ(probes(), 0U) << "an active session is polled every 30 s";
}

TEST_F(PollerIdleProbe, ARejectedKeyIsProbedOnceAMinute) {
    answer_ = [this](std::string_view, steady_time) {
        return status_reply(401, date());
    };
    poller_->use_idle_probe(10s);
    start();
    clock_.advance(10min + 30s);
    EXPECT_EQ(gate_->health().up(), false);
    EXPECT_EQ(gate_->health().state(), api_state::unauthorized);
    EXPECT_EQ(metric("kallglot_exporter_api_request_failures_total", "unauthorized"),
              static_cast<double>(api_->requests().size()));
    EXPECT_LE(api_->requests().size(), 11U);
    EXPECT_GE(api_->requests().size(), 10U);
}

TEST_F(PollerIdleProbe, IsNotSentWhileTheApiAsksToWait) {
    const steady_time begin = clock_.now();
    answer_ = [this, begin](std::string_view, steady_time at) {
        auto reply = status_reply(at - begin > 5min ? 404 : 429, date());
        reply.answer.headers.retry_after = at - begin > 5min ? std::nullopt : std::optional(10min);
        return reply;
    };
    poller_->use_idle_probe(1min);
    start();
    clock_.advance(10min + 59s);
    EXPECT_EQ(probes(), 1U);
    clock_.advance(2min);
    EXPECT_GT(probes(), 1U);
    EXPECT_EQ(gate_->health().state(), api_state::ok);
}

TEST_F(PollerIdleProbe, HasUpToOneProbeInFlight) {
    answer_ = [this](std::string_view, steady_time) {
        auto reply = status_reply(404, date());
        reply.latency = 9s;
        return reply;
    };
    poller_->use_idle_probe(1s);
    start();
    clock_.advance(1min);
    EXPECT_EQ(api_->peak_in_flight(), 1U);
    EXPECT_EQ(api_->polled_twice_at_once(), 0U);
    EXPECT_GE(probes(), 6U);
}

} // namespace
} // namespace kallglot::test

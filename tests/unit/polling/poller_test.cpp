#include "kallglot/report/census.hpp"
#include "unit/polling/poller_fixture.hpp"

#include <algorithm>
#include <array>

namespace kallglot::test {
namespace {

using Poller = PollerFixture;

TEST_F(Poller, ANewSessionIsPolledAtOnceAndThenAtItsInterval) {
    track(name(1));
    start();
    clock_.advance(91s);
    // At 0 s, and every 30 s while active.
    ASSERT_EQ(api_->requests().size(), 4U);
    EXPECT_EQ(api_->requests()[1].at - api_->requests()[0].at, 30s);
    EXPECT_EQ(metric("kallglot_exporter_polls_total", "event"), 1);
    EXPECT_EQ(metric("kallglot_exporter_polls_total", "routine"), 3);
    EXPECT_EQ(metric("kallglot_exporter_polls_late_total", "routine"), 0);
}

// The client sends them together.
TEST_F(Poller, TheRequestsOfATurnLeaveAtItsEnd) {
    connections_ = 1000;
    track_old_ones(500);
    start();
    clock_.advance(5min);
    EXPECT_GT(api_->flushed(), 4000U);
    EXPECT_EQ(api_->held(), 0U);
}

TEST_F(Poller, ASessionHasOneRequestInFlight) {
    answer_ = [this](std::string_view, steady_time at) {
        auto reply = ok_reply(session_status::connecting, date());
        reply.latency = 9s + (at.time_since_epoch() % 7);
        return reply;
    };
    for (int i = 0; i < 200; ++i) {
        track(name(i), i % 2 == 0);
    }
    start();
    clock_.advance(10min);
    EXPECT_EQ(api_->polled_twice_at_once(), 0U);
    EXPECT_EQ(api_->peak_in_flight(), connections_);
}

TEST_F(Poller, EachCrossingIsConfirmedAtTheMomentItHappens) {
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::connecting, date());
    };
    poll_policy policy;
    policy.poll.intervals.connecting = 1h;
    use(policy, budget_settings{{rate_limit_mode::unlimited, {}}, {}, 1.0});
    const session_slot slot = track(name(1));
    start();
    clock_.advance(1s);
    const steady_time since = registry_[slot].since;
    clock_.advance(301s);
    // One poll for each of 15 s, 30 s, 1 min, 2 min, 5 min, and the first.
    ASSERT_EQ(api_->requests().size(), 6U);
    EXPECT_EQ(api_->requests()[1].at - since, 15s);
    EXPECT_EQ(api_->requests()[5].at - since, 5min);
    EXPECT_EQ(metric("kallglot_exporter_polls_total", "confirm"), 5);
}

TEST_F(Poller, ALifeIsTrackedUntilItsRetentionEnds) {
    const api_time born = date();
    answer_ = [this, born](std::string_view, steady_time) {
        const auto age = date() - born;
        auto reply = ok_reply(age < 4s    ? session_status::created
                              : age < 9s  ? session_status::connecting
                              : age < 95s ? session_status::active
                                          : session_status::ended,
                              date());
        session_snapshot& said = reply.answer.snapshot;
        said.created_at = born;
        said.reason = end_reason::customer_hangup;
        if (age >= 9s) {
            said.started_at = born + 9s;
        }
        if (age >= 95s) {
            said.ended_at = born + 95s;
        }
        return reply;
    };
    track(name(1));
    start();
    clock_.advance(3min);
    EXPECT_EQ(metric("kallglot_sessions_ended_total", "customer_hangup"), 1);
    EXPECT_EQ(metric("kallglot_session_setup_seconds"), 1);
    EXPECT_EQ(metric("kallglot_ended_session_duration_seconds"), 1);
    EXPECT_EQ(metric("kallglot_sessions_ended_without_start_total"), 0);
    EXPECT_EQ(registry_.size(), 1U);
    clock_.advance(15min);
    EXPECT_EQ(registry_.size(), 0U);
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "ended"), 1);
    const std::size_t polls = api_->requests().size();
    clock_.advance(1h);
    EXPECT_EQ(api_->requests().size(), polls);
}

TEST_F(Poller, AClosedReusedConnectionIsRetriedOnceOnAFreshOne) {
    int calls = 0;
    answer_ = [this, &calls](std::string_view, steady_time) {
        return ++calls == 1 ? failed_reply(errc::reused_connection_closed)
                            : ok_reply(session_status::active, date());
    };
    const session_slot slot = track(name(1));
    start();
    clock_.advance(1s);
    ASSERT_EQ(api_->requests().size(), 2U);
    EXPECT_TRUE(api_->requests()[1].fresh);
    EXPECT_FALSE(registry_[slot].in_flight);
    EXPECT_TRUE(registry_[slot].was_observed());
    EXPECT_EQ(metric("kallglot_exporter_api_request_failures_total", "reset"), 0);
}

TEST_F(Poller, AForgottenSessionIsNotAskedOnceMore) {
    const session_slot slot = track(name(1));
    track(name(2));
    answer_ = [this](std::string_view id, steady_time) {
        if (id == name(1)) {
            return failed_reply(errc::reused_connection_closed);
        }
        auto reply = status_reply(429, date());
        reply.answer.headers.retry_after = 60s;
        return reply;
    };
    connections_ = 1;
    start();
    clock_.advance(1s);
    const std::size_t asked = api_->requests().size();
    forget(slot);
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::active, date());
    };
    clock_.advance(2min);
    ASSERT_GT(api_->requests().size(), asked);
    for (std::size_t i = asked; i < api_->requests().size(); ++i) {
        EXPECT_EQ(api_->requests()[i].id, name(2));
    }
    EXPECT_EQ(registry_.size(), 1U);
    EXPECT_FALSE(registry_.is_tracked(slot));
}

TEST_F(Poller, NothingLeavesWhileTheApiAsksToWait) {
    const steady_time begin = clock_.now();
    answer_ = [this, begin](std::string_view, steady_time at) {
        if (at - begin > 60s) {
            return ok_reply(session_status::active, date());
        }
        auto reply = status_reply(429, date());
        reply.answer.headers.retry_after = 60s;
        return reply;
    };
    for (int i = 0; i < 1000; ++i) {
        track(name(i));
    }
    start();
    clock_.advance(59s);
    // What was in flight when the first 429 came, and nothing more.
    EXPECT_LE(api_->requests().size(), connections_);
    EXPECT_EQ(gate_->health().state(), api_state::throttled);
    clock_.advance(2min);
    EXPECT_EQ(gate_->health().state(), api_state::ok);
    EXPECT_GT(api_->requests().size(), 1000U);
}

TEST_F(Poller, ARejectedKeyAllowsOneRequestAMinute) {
    answer_ = [this](std::string_view, steady_time) {
        return status_reply(401, date());
    };
    for (int i = 0; i < 100; ++i) {
        track(name(i));
    }
    start();
    clock_.advance(10min + 30s);
    EXPECT_LE(api_->requests().size(), connections_ + 10);
    EXPECT_GE(api_->requests().size(), connections_ + 9);
    EXPECT_EQ(gate_->health().up(), false);
}

TEST_F(Poller, OneSessionsFailureDelaysOnlyThatSession) {
    answer_ = [this](std::string_view id, steady_time) {
        return id == name(7) ? failed_reply(errc::request_timeout)
                             : ok_reply(session_status::connecting, date());
    };
    for (int i = 0; i < 20; ++i) {
        track(name(i));
    }
    start();
    clock_.advance(60s);
    const auto count = [&](const std::string& id) {
        return std::count_if(api_->requests().begin(),
                             api_->requests().end(),
                             [&](const auto& request) { return request.id == id; });
    };
    EXPECT_GE(count(name(8)), 30);
    EXPECT_GE(count(name(7)), 5);
    EXPECT_EQ(gate_->health().state(), api_state::ok);
}

// A lost HTTP/2 connection fails many requests at once; only one of them reports it for the API.
TEST_F(Poller, SharedFailuresDoNotCountAgainstTheApi) {
    answer_ = [](std::string_view, steady_time) {
        fake_reply reply = failed_reply(errc::connection_reset);
        reply.answer.shared_cause = true;
        return reply;
    };
    for (int i = 0; i < 20; ++i) {
        track(name(i));
    }
    start();
    clock_.advance(60s);
    EXPECT_GE(metric("kallglot_exporter_api_request_failures_total", "reset"), 6);
    EXPECT_NE(gate_->health().state(), api_state::unreachable);
}

TEST_F(Poller, NotFoundForgetsAfterTenMinutesAndThreeAnswers) {
    answer_ = [this](std::string_view, steady_time) {
        return status_reply(404, date());
    };
    track(name(1));
    start();
    clock_.advance(9min);
    EXPECT_EQ(registry_.size(), 1U);
    clock_.advance(2min);
    EXPECT_EQ(registry_.size(), 0U);
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "not_found"), 1);
}

TEST_F(Poller, AnOutageOf404sForgetsNoSessionForADay) {
    answer_ = [this](std::string_view, steady_time) {
        return status_reply(404, date());
    };
    for (int i = 0; i < 20; ++i) {
        track(name(i));
    }
    start();
    clock_.advance(23h);
    EXPECT_EQ(registry_.size(), 20U);
    clock_.advance(2h);
    EXPECT_EQ(registry_.size(), 0U);
}

TEST_F(Poller, EndedSessionsThatTheApiDeletesAreNotAnOutage) {
    answer_ = [this](std::string_view id, steady_time) {
        return id < name(60) || id == name(999) ? status_reply(404, date())
                                                : ok_reply(session_status::active, date());
    };
    for (int i = 0; i < 160; ++i) {
        const session_slot slot = track(name(i));
        if (i < 60) {
            deliver(slot, session_event::ended);
        }
    }
    track(name(999));
    start();
    clock_.advance(12min);
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "not_found"), 1);
    EXPECT_EQ(registry_.size(), 160U);
}

TEST_F(Poller, AFixedRateIsSpentEvenlyAndNeverExceeded) {
    use(poll_policy{}, budget_settings{{rate_limit_mode::fixed, rate{10.0}}, rate{200.0}, 0.5});
    for (int i = 0; i < 1000; ++i) {
        track(name(i), true);
    }
    start();
    clock_.advance(60s);
    EXPECT_LE(api_->requests().size(), 602U);
    EXPECT_GE(api_->requests().size(), 590U);
    for (std::size_t i = 1; i < api_->requests().size(); ++i) {
        EXPECT_GE(api_->requests()[i].at - api_->requests()[i - 1].at, 90ms);
    }
    EXPECT_GT(schedule_->stretch(clock_.now()), 2);
}

TEST_F(Poller, OldSessionsReturnToTheirIntervalsAfterAShortage) {
    use(poll_policy{}, budget_settings{{rate_limit_mode::unlimited, {}}, {}, 1.0});
    constexpr int sessions = 300;
    track_old_ones(sessions);
    start();
    clock_.advance(2min);
    // A shortage, in which a tenth of ten hours is put between two polls.
    gate_->budget().use_settings({{rate_limit_mode::fixed, rate{2}}, {}, 1.0});
    clock_.advance(2min);
    EXPECT_TRUE(schedule_->shortage());
    gate_->budget().use_settings({{rate_limit_mode::unlimited, {}}, {}, 1.0});
    clock_.advance(1min);
    const std::size_t before = api_->requests().size();
    clock_.advance(60s);
    EXPECT_EQ(api_->requests().size() - before, 2U * sessions);
}

TEST_F(Poller, OldSessionsDoNotSleepThroughTheRampAfterAnOutage) {
    use(poll_policy{}, budget_settings{{rate_limit_mode::unlimited, {}}, {}, 1.0});
    constexpr int sessions = 300;
    track_old_ones(sessions);
    start();
    clock_.advance(2min);
    const auto good = answer_;
    answer_ = [](std::string_view, steady_time) {
        return failed_reply(errc::connect_failed);
    };
    clock_.advance(10s);
    answer_ = good;
    clock_.advance(15s);
    // They want ten requests a second; the ramp allows from one to ten.
    const std::size_t before = api_->requests().size();
    clock_.advance(15s);
    EXPECT_NEAR(static_cast<double>(api_->requests().size() - before), 100, 10);
}

TEST_F(Poller, OnlyAWrittenRequestCounts) {
    answer_ = [](std::string_view, steady_time) {
        fake_reply reply = failed_reply(errc::certificate_rejected);
        reply.written = false;
        return reply;
    };
    track(name(1));
    start();
    clock_.advance(20s);
    EXPECT_GE(api_->requests().size(), 2U);
    EXPECT_EQ(metric("kallglot_exporter_api_requests_total"), 0);
    EXPECT_GE(metric("kallglot_exporter_api_request_failures_total", "tls"), 2);
}

TEST_F(Poller, AnImportSpreadsOverTheIntervalSoon) {
    connections_ = 2000;
    use(poll_policy{}, budget_settings{{rate_limit_mode::unlimited, {}}, {}, 1.0});
    for (int i = 0; i < 1000; ++i) {
        track(name(i), true);
    }
    start();
    clock_.advance(5min);
    // One interval of active sessions, in ten parts: each has its share, and each session was polled once.
    const std::size_t before = api_->requests().size();
    const steady_time begin = clock_.now();
    clock_.advance(30s);
    std::array<int, 10> parts{};
    for (std::size_t i = before; i < api_->requests().size(); ++i) {
        ++parts[static_cast<std::size_t>((api_->requests()[i].at - begin) / 3001ms)];
    }
    for (const int part : parts) {
        EXPECT_NEAR(part, 100, 10);
    }
    EXPECT_NEAR(static_cast<double>(api_->requests().size() - before), 1000, 10);
}

TEST_F(Poller, AnOutageDoesNotStretchWhatMayBeExpected) {
    const steady_time outage = clock_.now() + 2min;
    answer_ = [this, outage](std::string_view, steady_time at) {
        return at < outage ? ok_reply(session_status::active, date())
                           : failed_reply(errc::connect_refused);
    };
    for (int i = 0; i < 50; ++i) {
        track(name(i));
    }
    start();
    clock_.advance(12min);
    EXPECT_EQ(gate_->health().state(), api_state::unreachable);
    EXPECT_GT(schedule_->stretch(clock_.now()), 5);
    EXPECT_LT(poller_->usual_stretch(), 1.5);
}

TEST_F(Poller, ASlightShortageMakesNoSessionStaleOrLate) {
    // 40 sessions stuck for hours want 20 polls a second and have 15: their intervals grow with age, and no session waits long.
    answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::connecting, date());
    };
    use(poll_policy{}, budget_settings{{rate_limit_mode::fixed, rate{15}}, {}, 1.0});
    for (int i = 0; i < 40; ++i) {
        track(name(i), true);
    }
    start();
    clock_.advance(2h);
    EXPECT_TRUE(schedule_->shortage());
    EXPECT_TRUE(poller_->usual_shortage());
    for (int i = 0; i < 60; ++i) {
        clock_.advance(10s);
        census_pass pass(registry_,
                         {clock_.now(),
                          &schedule_->policy(),
                          poller_->usual_stretch(),
                          poller_->usual_shortage(),
                          10s});
        while (pass.step(1000)) {
        }
        ASSERT_EQ(pass.outcome().stale, counts_by_status{});
    }
    EXPECT_LT(metric("kallglot_exporter_polls_late_total", "routine"),
              metric("kallglot_exporter_polls_total", "routine") / 20);
}

TEST_F(Poller, StoredAnswersConfirmNothingAndAreNotAskedForInALoop) {
    bool stored = false;
    answer_ = [&](std::string_view, steady_time) {
        auto reply = ok_reply(session_status::connecting, date());
        reply.answer.headers.age = stored ? std::optional(seconds(3600)) : std::nullopt;
        return reply;
    };
    const session_slot slot = track(name(1));
    start();
    clock_.advance(1s);
    const steady_time seen = registry_[slot].observed;
    ASSERT_NE(seen, no_time);
    stored = true;
    clock_.advance(10min);
    EXPECT_EQ(registry_[slot].observed, seen);
    EXPECT_GT(metric("kallglot_exporter_api_request_failures_total", "other"), 100);
    // Every two seconds, and some retries: no more.
    EXPECT_LT(api_->requests().size(), 400U);
    stored = false;
    clock_.advance(10s);
    EXPECT_GT(registry_[slot].observed - registry_[slot].since, 10min);
}

TEST_F(Poller, AnswersOfSomeSecondsAgoConfirmThatMuchLater) {
    answer_ = [this](std::string_view, steady_time) {
        auto reply = ok_reply(session_status::connecting, date());
        reply.answer.headers.age = 3s;
        return reply;
    };
    const session_slot slot = track(name(1));
    start();
    clock_.advance(1min);
    const session_record& record = registry_[slot];
    EXPECT_GT(record.observed - record.since, 50s);
    EXPECT_LE(record.observed, record.last_sent - 4s);
    EXPECT_LT(api_->requests().size(), 60U);
}

TEST_F(Poller, AStoredNotFoundForgetsNoSession) {
    const session_slot slot = track(name(1));
    start();
    clock_.advance(1s);
    answer_ = [this](std::string_view, steady_time) {
        auto reply = status_reply(404, date());
        reply.answer.headers.stored_by = "X-Cache";
        return reply;
    };
    clock_.advance(2h);
    EXPECT_TRUE(registry_.is_tracked(slot));
    EXPECT_EQ(registry_[slot].not_found_count, 0);
}

TEST_F(Poller, AStoredAnswerSettlesNoEvent) {
    bool stored = false;
    answer_ = [&](std::string_view, steady_time) {
        auto reply = ok_reply(session_status::active, date());
        reply.answer.headers.age = stored ? std::optional(seconds(1)) : std::nullopt;
        return reply;
    };
    const session_slot slot = track(name(1));
    start();
    clock_.advance(10s);
    stored = true;
    deliver(slot, session_event::touched);
    clock_.advance(500ms);
    EXPECT_TRUE(registry_[slot].touched) << "made before the event";
    stored = false;
    clock_.advance(30s);
    EXPECT_FALSE(registry_[slot].touched);
}

TEST_F(Poller, StoppingStartsNothingNewAndTakesInWhatIsUnderWay) {
    const session_slot slot = track(name(1));
    start();
    clock_.advance(5ms);
    EXPECT_TRUE(registry_[slot].in_flight);
    poller_->stop();
    clock_.advance(10min);
    EXPECT_FALSE(registry_[slot].in_flight);
    EXPECT_TRUE(registry_[slot].was_observed());
    EXPECT_EQ(api_->requests().size(), 1U);
}

TEST_F(Poller, ForgottenDuringItsPollFreesItsSlotAfterwards) {
    const session_slot slot = track(name(1));
    start();
    clock_.advance(5ms);
    forget(slot);
    EXPECT_EQ(registry_.size(), 0U);
    const session_slot other = track(name(2));
    EXPECT_NE(other, slot);
    clock_.advance(1s);
    EXPECT_EQ(track(name(3)), slot);
    EXPECT_EQ(registry_[other].status, session_status::active);
}

} // namespace
} // namespace kallglot::test

// Polls and webhooks in every order: whatever comes late, twice or not at all, each session has one end and no way back.

#include "unit/intake/intake_fixture.hpp"
#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <array>

namespace kallglot::test {
namespace {

using enum webhook_type;

/// What really happens to one session.
struct life {
    steady_time created;
    steady_time connecting;
    steady_time active;
    steady_time ended;
    bool starts = true;

    [[nodiscard]] session_status at(steady_time when) const {
        return when >= ended              ? session_status::ended
               : starts && when >= active ? session_status::active
               : when >= connecting       ? session_status::connecting
                                          : session_status::created;
    }
};

/// Fails when a session's status is ever lower than it was.
class forward_only final : public registry_observer {
public:
    void before_change(session_slot slot, const session_record& record) override {
        before_ = record.status;
        slot_ = slot;
    }

    void after_change(session_slot slot, const session_record& record) override {
        // A removed session is reported before the change only, a new one after it only, and may have the same slot.
        const bool is_new = record.since == no_time;
        const bool same = slot == slot_ && before_ != session_status::unknown && !is_new;
        reversals += same && record.status < before_ ? 1 : 0;
        lost += same && record.status == session_status::unknown ? 1 : 0;
        slot_ = no_slot;
    }

    std::size_t reversals = 0;
    std::size_t lost = 0;

private:
    session_slot slot_ = no_slot;
    session_status before_ = session_status::unknown;
};

class IntakeOrder : public IntakeFixture {
protected:
    IntakeOrder() {
        store_.commit_at_once();
        connections_ = batch;
        restart();
        api_->count_only();
        registry_->observe_with(&observer_);
        answer_ = [this](std::string_view of, steady_time sent) {
            return answer_of(of, sent);
        };
    }

    fake_reply answer_of(std::string_view of, steady_time sent) {
        const life& truth =
            lives_.at(static_cast<std::size_t>(std::stoul(std::string(of.substr(26)))) % batch);
        const auto wall_of = [&](steady_time at) {
            return clock_.wall_now() - std::chrono::duration_cast<milliseconds>(sent - at);
        };
        fake_reply reply = ok_reply(truth.at(sent), clock_.wall_now());
        session_snapshot& said = reply.answer.snapshot;
        said.created_at = wall_of(truth.created);
        if (truth.starts && sent >= truth.active) {
            said.started_at = wall_of(truth.active);
        }
        if (sent >= truth.ended) {
            said.ended_at = wall_of(truth.ended);
        }
        reply.latency = chance_.between(5ms, 3s);
        return reply;
    }

    /// Delivers it some time after it happened, or later, or much later; 30 % come twice.
    void send(webhook_type type, std::size_t number, std::uint64_t key, steady_time happened) {
        webhook_event what = event(type, number, key);
        what.made_at =
            clock_.wall_now() + std::chrono::duration_cast<milliseconds>(happened - clock_.now());
        for (int times = chance_.of(30) ? 2 : 1; times > 0; --times) {
            const steady_duration delay = chance_.of(60)   ? chance_.between(0s, 2s)
                                          : chance_.of(95) ? chance_.between(0s, 2min)
                                                           : chance_.between(0s, 1h);
            clock_.at(happened + delay, [this, what] { take(what); });
        }
    }

    void take(const webhook_event& what) {
        ++delivered_;
        outcomes_.push_back(deliver(what));
    }

    /// One batch of lives, from the beginning until nothing is left of them.
    void live(std::size_t round) {
        const steady_time begin = clock_.now();
        for (std::size_t i = 0; i < batch; ++i) {
            const std::size_t number = round * batch + i;
            life& truth = lives_[i];
            truth.starts = chance_.of(90);
            truth.created = begin + chance_.between(0s, 30s);
            truth.connecting = truth.created + chance_.between(0s, 10s);
            truth.active = truth.connecting + chance_.between(0s, 40s);
            truth.ended = truth.active + chance_.between(0s, 3min);
            const std::uint64_t key = number * 8 + 1;
            send(session_created, number, key, truth.created);
            if (truth.starts) {
                send(session_provider_connected, number, key + 1, truth.connecting);
                send(session_started, number, key + 2, truth.active);
                send(session_provider_disconnected, number, key + 3, truth.ended);
            }
            // Lost ones are found by polls.
            if (chance_.of(95)) {
                send(session_ended, number, key + 4, truth.ended);
            }
        }
        clock_.advance(2h);
        for (const auto& each : outcomes_) {
            ASSERT_TRUE(each.done());
            ASSERT_TRUE((*each.outcome_)->has_value());
            duplicates_ += each.value() == event_outcome::duplicate ? 1 : 0;
        }
        outcomes_.clear();
    }

    static constexpr std::size_t batch = 1000;

    chance chance_;
    forward_only observer_;
    std::vector<life> lives_{batch};
    std::vector<call<event_outcome>> outcomes_;
    std::size_t delivered_ = 0;
    std::size_t duplicates_ = 0;
};

TEST_F(IntakeOrder, EveryOrderOfPollsAndWebhooksComesToOneEnd) {
    SCOPED_TRACE(chance_.told());
    RecordProperty("seed", std::to_string(chance_.seed()));
    start();
    const std::size_t batches = rounds(100);
    for (std::size_t round = 0; round < batches; ++round) {
        live(round);
        ASSERT_EQ(registry_->size(), 0U) << "something of batch " << round << " is still there";
    }
    const auto all = static_cast<double>(batches * batch);
    EXPECT_EQ(observer_.reversals, 0U);
    EXPECT_EQ(observer_.lost, 0U);
    EXPECT_EQ(metric("kallglot_session_regressions_total"), 0);
    // Acknowledged once, over once: nothing was revived, nothing counted twice, nothing left in another state.
    EXPECT_EQ(metric("kallglot_exporter_sessions_added_total", "webhook"), all);
    EXPECT_EQ(metric("kallglot_exporter_sessions_forgotten_total", "ended"), all);
    EXPECT_EQ(metric("kallglot_sessions_ended_total", "none"), all);
    EXPECT_TRUE(store_.sessions.empty());
    EXPECT_EQ(api_->polled_twice_at_once(), 0U);
    EXPECT_GT(duplicates_, delivered_ / 6);
    EXPECT_GT(api_->request_count(), batches * batch * 3);
}

} // namespace
} // namespace kallglot::test

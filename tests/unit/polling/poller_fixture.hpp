/// A whole daemon without network and clocks: registry, schedule, gate and poller around a model of the API.

#ifndef KALLGLOT_TESTS_UNIT_POLLING_POLLER_FIXTURE_HPP
#define KALLGLOT_TESTS_UNIT_POLLING_POLLER_FIXTURE_HPP

#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/polling/poller.hpp"
#include "support/fake_api.hpp"
#include "support/instant_store.hpp"
#include "support/instrument_values.hpp"
#include "support/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>

namespace kallglot::test {

using namespace std::chrono_literals;

class PollerFixture : public testing::Test {
public:
    PollerFixture() {
        use(poll_policy{}, budget_settings{{rate_limit_mode::unlimited, {}}, {}, 1.0});
    }

    void use(poll_policy policy, budget_settings budget) {
        schedule_.emplace(ledger_.sessions(), policy, clock_.now());
        changes_.emplace(ledger_, *schedule_, store_, metrics_, clock_, log_);
        gate_.emplace(request_budget(budget, clock_.now()), api_health(clock_.now(), 4711));
        poller_.emplace(ledger_, *schedule_, *gate_, *changes_, api_clock_, metrics_, clock_, log_);
        api_.emplace(clock_, *poller_, connections_, [this](std::string_view id, steady_time at) {
            return answer_(id, at);
        });
    }

    void start() { poller_->start(*api_); }

    /// Sessions that have been active for ten hours.
    void track_old_ones(int count) {
        answer_ = [this, born = date() - 10h](std::string_view, steady_time) {
            auto reply = ok_reply(session_status::active, date());
            reply.answer.snapshot.created_at = born;
            reply.answer.snapshot.started_at = born + 5s;
            return reply;
        };
        for (int i = 0; i < count; ++i) {
            track(name(i), true);
        }
    }

    session_slot track(const std::string& id, bool bulk = false) {
        const ledger_change change =
            ledger_.take_id(session_id::parse(id).value(), session_source::api, bulk, clock_.now());
        changes_->apply_and_wake(change, clock_.now());
        return change.slot;
    }

    void forget(session_slot slot) {
        const steady_time now = clock_.now();
        changes_->apply(ledger_.forget(slot, forget_reason::operator_asked, now), now);
    }

    /// A webhook, made this moment.
    void deliver(session_slot slot, session_event event) {
        const steady_time now = clock_.now();
        const event_times times{now, date(), api_clock_.at(now)};
        changes_->apply_and_wake(ledger_.take_event(slot, event, {++event_keys_, 0}, times), now);
    }

    /// `sess_` and a number, longer than a short string holds.
    static std::string name(int number) {
        char text[48];
        std::snprintf(text, sizeof text, "sess_01JQ7N0C5VXB3HEZ4M8K%08d", number);
        return text;
    }

    [[nodiscard]] api_time date() const { return clock_.wall_now(); }

    /// The value of a sample in the metrics, by its family and one label value.
    [[nodiscard]] double metric(std::string_view family, std::string_view label = {}) const {
        return label.empty() ? test::instrument_value(metrics_.instruments(), family)
                             : test::instrument_value(metrics_.instruments(), family, {label});
    }

protected:
    virtual_clock clock_;
    null_logger log_;
    session_ledger ledger_{10'000};
    const session_registry& registry_ = ledger_.sessions();
    server_clock api_clock_;
    instant_store store_;
    daemon_metrics metrics_{build_details{"0", "0", "0"}};
    std::size_t connections_ = 16;
    std::uint64_t event_keys_ = 0;
    fake_api::server answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::active, date());
    };
    std::optional<poll_schedule> schedule_;
    std::optional<request_gate> gate_;
    std::optional<session_changes> changes_;
    std::optional<poller> poller_;
    std::optional<fake_api> api_;
};

} // namespace kallglot::test

#endif

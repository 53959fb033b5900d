/// The real intake and poller on virtual time, around a model of the API and a store that the test holds.

#ifndef KALLGLOT_TESTS_UNIT_INTAKE_INTAKE_FIXTURE_HPP
#define KALLGLOT_TESTS_UNIT_INTAKE_INTAKE_FIXTURE_HPP

#include "kallglot/intake/intake.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/polling/poller.hpp"
#include "kallglot/tracking/stored_session.hpp"
#include "support/fake_api.hpp"
#include "support/instrument_values.hpp"
#include "support/kept_log.hpp"
#include "support/loop.hpp"
#include "support/virtual_clock.hpp"
#include "unit/intake/held_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot::test {

using namespace std::chrono_literals;

/// A call of the intake, and its outcome once it has one.
template <class T>
class call {
public:
    [[nodiscard]] bool done() const { return outcome_->has_value(); }

    [[nodiscard]] const T& value() const { return (*outcome_)->value(); }

    [[nodiscard]] bool failed_with(errc why) const {
        return done() && (*outcome_)->has_error() && (*outcome_)->error() == why;
    }

    std::shared_ptr<std::optional<result<T>>> outcome_ =
        std::make_shared<std::optional<result<T>>>();
};

class IntakeFixture : public testing::Test {
public:
    IntakeFixture() { restart(); }

    /// Another process: only what the store holds is there again.
    void restart() {
        intake_.reset();
        api_.reset();
        poller_.reset();
        gate_.reset();
        schedule_.reset();
        changes_.reset();
        ledger_.emplace(max_tracked_);
        registry_ = &ledger_->sessions();
        schedule_.emplace(*registry_, poll_policy{}, clock_.now());
        changes_.emplace(*ledger_, *schedule_, store_, metrics_, clock_, log_);
        const budget_settings unlimited{{rate_limit_mode::unlimited, {}}, {}, 1.0};
        gate_.emplace(request_budget(unlimited, clock_.now()), api_health(clock_.now(), 4711));
        poller_
            .emplace(*ledger_, *schedule_, *gate_, *changes_, api_clock_, metrics_, clock_, log_);
        api_.emplace(clock_, *poller_, connections_, [this](std::string_view id, steady_time at) {
            return answer_(id, at);
        });
        intake_.emplace(*ledger_,
                        *schedule_,
                        *changes_,
                        store_,
                        api_clock_,
                        metrics_,
                        clock_,
                        log_,
                        7);
        store_.set_owner(*intake_);
        std::vector<kept_session> restored;
        const stored_timeline line = stored_timeline::begin(clock_.wall_now(), clock_.now(), 1);
        for (const auto& [text, record] : store_.sessions) {
            // What a file does not keep is gone.
            const stored_session row = to_stored(id(text), record, line);
            restored.push_back({id(text), to_record(row, line, clock_.now())});
        }
        intake_->on_sessions(restored);
        std::vector<remembered_entry> entries;
        for (const remembered_key& key : store_.keys) {
            entries.push_back({key, clock_.now(), remembered_kind::ended});
        }
        intake_->on_remembered(entries);
    }

    void start() { poller_->start(*api_); }

    [[nodiscard]] static session_id id(const std::string& text) {
        return session_id::parse(text).value();
    }

    /// `sess_` and a number, longer than a short string holds.
    [[nodiscard]] static std::string name(std::size_t number) {
        char text[64];
        std::snprintf(text, sizeof text, "sess_01JQ7N0C5VXB3HEZ4M8K_%08zu", number);
        return text;
    }

    [[nodiscard]] static std::vector<session_id> names(std::size_t first, std::size_t count) {
        std::vector<session_id> ids;
        for (std::size_t i = 0; i < count; ++i) {
            ids.push_back(id(name(first + i)));
        }
        return ids;
    }

    [[nodiscard]] webhook_event event(webhook_type type,
                                      std::size_t session,
                                      std::uint64_t number) const {
        webhook_event made;
        made.of_session = session_event_of(type).has_value();
        made.id = event_id("evt_" + std::to_string(number));
        made.type = type;
        made.made_at = clock_.wall_now();
        made.session = id(name(session));
        return made;
    }

    call<track_outcome> put(std::size_t number) {
        call<track_outcome> begun;
        group_.spawn("put", put_into(id(name(number)), begun.outcome_));
        loop_.poll();
        return begun;
    }

    call<session_intake::bulk_outcome> put_all(std::vector<session_id> ids) {
        call<session_intake::bulk_outcome> begun;
        group_.spawn("put all", put_all_into(std::move(ids), begun.outcome_));
        loop_.poll();
        return begun;
    }

    call<forget_outcome> forget(std::size_t number) {
        call<forget_outcome> begun;
        group_.spawn("forget", forget_into(id(name(number)), begun.outcome_));
        loop_.poll();
        return begun;
    }

    call<event_outcome> deliver(const webhook_event& what) {
        call<event_outcome> begun;
        group_.spawn("event", deliver_into(what, begun.outcome_));
        loop_.poll();
        return begun;
    }

    call<session_page> list(session_query query) {
        call<session_page> begun;
        group_.spawn("list", list_into(std::move(query), begun.outcome_));
        EXPECT_TRUE(loop_.run_until([&] { return begun.done(); }));
        loop_.poll();
        return begun;
    }

    void commit() {
        store_.commit();
        loop_.poll();
    }

    void fail() {
        store_.fail();
        loop_.poll();
    }

    [[nodiscard]] bool is_tracked(std::size_t number) const {
        return registry_->find(name(number)) != no_slot;
    }

    [[nodiscard]] const session_record& record(std::size_t number) const {
        return (*registry_)[registry_->find(name(number))];
    }

    [[nodiscard]] double metric(std::string_view family, std::string_view label = {}) const {
        return label.empty() ? test::instrument_value(metrics_.instruments(), family)
                             : test::instrument_value(metrics_.instruments(), family, {label});
    }

private:
    task<> put_into(session_id of, std::shared_ptr<std::optional<result<track_outcome>>> into) {
        const auto outcome = co_await intake_->track(of);
        into->emplace(outcome);
    }

    task<> put_all_into(std::vector<session_id> ids,
                        std::shared_ptr<std::optional<result<session_intake::bulk_outcome>>> into) {
        const auto outcome = co_await intake_->track_all(std::move(ids));
        into->emplace(outcome);
    }

    task<> forget_into(session_id of, std::shared_ptr<std::optional<result<forget_outcome>>> into) {
        const auto outcome = co_await intake_->forget(of);
        into->emplace(outcome);
    }

    task<> deliver_into(webhook_event what,
                        std::shared_ptr<std::optional<result<event_outcome>>> into) {
        const auto outcome = co_await intake_->take_event(what);
        into->emplace(outcome);
    }

    task<> list_into(session_query query,
                     std::shared_ptr<std::optional<result<session_page>>> into) {
        const auto outcome = co_await intake_->list(std::move(query));
        into->emplace(outcome);
    }

protected:
    loop loop_;
    virtual_clock clock_;
    kept_log log_;
    held_store store_{loop_.executor()};
    daemon_metrics metrics_{build_details{"0", "0", "0"}};
    std::size_t max_tracked_ = 10'000;
    std::size_t connections_ = 16;
    fake_api::server answer_ = [this](std::string_view, steady_time) {
        return ok_reply(session_status::active, clock_.wall_now());
    };
    server_clock api_clock_;
    std::optional<session_ledger> ledger_;
    const session_registry* registry_ = nullptr;
    std::optional<poll_schedule> schedule_;
    std::optional<request_gate> gate_;
    std::optional<session_changes> changes_;
    std::optional<poller> poller_;
    std::optional<fake_api> api_;
    std::optional<intake> intake_;
    task_group group_{loop_.executor(), loop::failure()};
};

} // namespace kallglot::test

#endif

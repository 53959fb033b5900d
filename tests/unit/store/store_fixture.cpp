#include "store_fixture.hpp"

#include <boost/asio/steady_timer.hpp>

namespace kallglot::test {

namespace {

task<> open_store(durable_store* store, error_code* answer) {
    *answer = co_await store->open();
}

task<> restore_store(durable_store* store, store_reader* reader, error_code* answer) {
    *answer = co_await store->restore(*reader);
}

task<> close_store(durable_store* store, error_code* answer) {
    *answer = co_await store->close();
}

task<> wait_for(durable_store* store, commit_ticket ticket, std::optional<error_code>* answer) {
    const error_code got = co_await store->committed(ticket);
    answer->emplace(got);
}

} // namespace

bool map_owner::list_sessions(std::uint64_t& cursor,
                              std::size_t limit,
                              std::vector<kept_session>& rows) {
    auto next = sessions.begin();
    std::advance(next, std::min(static_cast<std::size_t>(cursor), sessions.size()));
    for (; next != sessions.end() && rows.size() < limit; ++next, ++cursor) {
        rows.push_back({next->first, next->second});
    }
    return next != sessions.end();
}

error_code StoreFixture::try_open() {
    store_ = std::make_unique<durable_store>(loop_.executor(),
                                             clock_,
                                             log_,
                                             std::make_shared<sqlite_engine>(path(), boot_id_),
                                             limits_,
                                             loop::failure());
    error_code answer = errc::cancelled;
    EXPECT_TRUE(loop_.run(open_store(store_.get(), &answer)));
    return answer;
}

void StoreFixture::open() {
    ASSERT_EQ(try_open(), error_code{}) << store_->opening().fault.text;
    owner_ = std::make_unique<map_owner>();
    error_code answer = errc::cancelled;
    ASSERT_TRUE(loop_.run(restore_store(store_.get(), owner_.get(), &answer)));
    ASSERT_EQ(answer, error_code{}) << store_->opening().fault.text;
    store_->start(*owner_);
}

void StoreFixture::close() {
    error_code answer = errc::cancelled;
    ASSERT_TRUE(loop_.run(close_store(store_.get(), &answer)));
    EXPECT_EQ(answer, error_code{});
    store_.reset();
}

commit_ticket StoreFixture::add(int number, const session_record& record) {
    owner_->sessions.insert_or_assign(id_of(number), record);
    return store_->add(id_of(number), record);
}

error_code StoreFixture::add_all(int count) {
    commit_ticket last{};
    for (int i = 0; i < count; ++i) {
        last = add(i);
    }
    return wait(last);
}

void StoreFixture::outlive_keys() {
    clock_.advance(std::chrono::hours(73));
    loop_.poll();
    reopen();
    reopen();
}

session_record StoreFixture::record() const {
    session_record made;
    made.since = clock_.now() - std::chrono::minutes(3);
    made.observed = made.since + std::chrono::seconds(150);
    made.created = made.since - std::chrono::seconds(20);
    made.started = made.since - std::chrono::seconds(7);
    made.not_found_since = made.since + std::chrono::seconds(160);
    made.since_slack_ms = 1234;
    made.call_duration_ms = 77'000;
    made.status = session_status::ending;
    made.mode = session_mode::ai_agent;
    made.provider = session_provider::sip;
    made.reason = end_reason::agent_hangup;
    made.not_found_count = 200;
    made.sources = 5;
    made.by_webhook = true;
    return made;
}

error_code StoreFixture::wait(commit_ticket ticket) {
    std::optional<error_code> answer;
    task_group group(loop_.executor(), loop::failure());
    group.spawn("wait", wait_for(store_.get(), ticket, &answer));
    EXPECT_TRUE(run_until([&] { return answer && group.size() == 0; }));
    return answer.value_or(errc::cancelled);
}

} // namespace kallglot::test

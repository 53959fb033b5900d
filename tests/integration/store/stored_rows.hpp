/// Rows of sessions, for tests of what an engine keeps of them.

#ifndef KALLGLOT_TEST_STORE_STORED_ROWS_HPP
#define KALLGLOT_TEST_STORE_STORED_ROWS_HPP

#include "kallglot/tracking/stored_session.hpp"

#include <cstdint>
#include <string>

namespace kallglot::test {

inline constexpr stored_time now{1'790'000'000'000};

inline stored_time later(std::int64_t ms) {
    return {now.ms + ms};
}

inline session_id id_of(int number) {
    return session_id::parse("sess_7Yb3nQ4kTz9VxL2mW8cR5dJ_" + std::to_string(number)).value();
}

/// An id that was just registered.
inline stored_session fresh(int number, session_source source = session_source::api) {
    stored_session row(id_of(number));
    row.sources = source_bit(source);
    row.since = now;
    return row;
}

/// Every column has a value.
inline stored_session filled(int number) {
    stored_session row = fresh(number);
    row.status = session_status::ending;
    row.mode = session_mode::ai_agent;
    row.provider = session_provider::sip;
    row.reason = end_reason::agent_hangup;
    row.by_webhook = true;
    row.slack = 1234;
    row.seen = 150'000;
    row.created = later(-20'000);
    row.started = later(-7000);
    row.missing = later(160'000);
    row.missing_count = 200;
    row.call_ms = 4'000'000'000;
    return row;
}

} // namespace kallglot::test

#endif

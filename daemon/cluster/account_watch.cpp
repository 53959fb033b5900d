#include "cluster/account_watch.hpp"

#include <algorithm>

namespace kallglot {

void account_watch::set_key(key_mark key) noexcept {
    key_ = key;
    state_to_report_.reset();
}

void account_watch::report_pause(stored_moment until) noexcept {
    if (until > row_.paused_until) {
        pause_to_report_ = std::max(pause_to_report_, until);
    }
}

void account_watch::report_key(key_state state, std::int64_t number) noexcept {
    if (number != row_.number) {
        return;
    }
    state_to_report_.reset();
    if (state != this->state()) {
        state_to_report_ = state;
    }
}

void account_watch::take(const account_row& row) noexcept {
    // Another verdict was first, or it is the reported one.
    if (row.number != row_.number) {
        state_to_report_.reset();
    }
    row_ = row;
    if (pause_to_report_ <= row_.paused_until) {
        pause_to_report_ = no_pause;
    }
}

std::optional<account_report> account_watch::report() const noexcept {
    if (pause_to_report_ == no_pause && !state_to_report_) {
        return std::nullopt;
    }
    account_report report;
    report.paused_until = pause_to_report_;
    if (state_to_report_) {
        report.has_verdict = true;
        report.verdict = {key_, *state_to_report_};
        report.expected_number = row_.number;
    }
    return report;
}

key_state account_watch::state() const noexcept {
    return row_.verdict.key == key_ ? row_.verdict.state : key_state::good;
}

bool account_watch::is_prober(std::span<const replica_row> rows,
                              const std::string& node) const noexcept {
    return std::ranges::none_of(rows, [&](const replica_row& row) {
        return row.key == key_ && !row.draining && row.node < node;
    });
}

} // namespace kallglot

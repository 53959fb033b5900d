/// A daemon made of values, for the pages.

#ifndef KALLGLOT_WEB_FAKE_DAEMON_HPP
#define KALLGLOT_WEB_FAKE_DAEMON_HPP

#include "kallglot/ports/daemon_control.hpp"

#include <string_view>

namespace kallglot::test {

class fake_daemon final : public daemon_control {
public:
    fake_daemon() {
        census& counted = report.census;
        counted.by_status = {3, 21, 907, 1, 5, 2};
        counted.oldest_since.fill(no_time);
        counted.over_threshold[0] = {0, 0, 0};
        counted.over_threshold[1] = {20, 17, 4, 0, 0};
        counted.over_threshold[2] = {600, 1};
        counted.over_threshold[3] = {1, 0};
        counted.stuck = {0, 20, 0, 1, 0, 0};
        report.state = api_state::ok;
        report.wall_now = api_time(std::chrono::seconds(1'800'000'000));
        report.stuck.emplace_back(*session_id::parse("sess_longest"));
        report.stuck.back().status = session_status::connecting;
        report.stuck.back().mode = session_mode::ai_agent;
        report.stuck.back().provider = session_provider::twilio;
        report.stuck.back().since = report.wall_now - std::chrono::seconds(250);
        report.stuck.back().last_poll = report.wall_now - std::chrono::seconds(2);
    }

    [[nodiscard]] readiness ready() const noexcept override { return state; }

    [[nodiscard]] task<result<std::shared_ptr<const daemon_report>>> take_report() override {
        ++asked;
        if (stopped) {
            co_return make_error_code(errc::cancelled);
        }
        co_return keep != nullptr ? keep : std::make_shared<const daemon_report>(report);
    }

    readiness state{true, true, ""};
    daemon_report report;
    std::shared_ptr<const daemon_report> keep; ///< given instead of a copy of `report`
    bool stopped = false;
    int asked = 0;
};

inline constexpr build_details fake_build = {"1.2.3", "abcdef012345", "Clang 19.1.7"};

} // namespace kallglot::test

#endif

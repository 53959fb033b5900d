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
    }

    [[nodiscard]] readiness ready() const noexcept override { return state; }

    [[nodiscard]] task<result<daemon_report>> take_report() override {
        ++asked;
        if (stopped) {
            co_return make_error_code(errc::cancelled);
        }
        co_return report;
    }

    readiness state{true, true, ""};
    daemon_report report;
    bool stopped = false;
    int asked = 0;
};

inline constexpr build_details fake_build = {"1.2.3", "abcdef012345", "Clang 19.1.7"};

} // namespace kallglot::test

#endif

// After a 429 no request is sent before Retry-After has passed, in each form of the field.

#include "live_poller.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

/// A value of Retry-After, and the shortest pause that it must cause. Source: RFC 9110 section 10.2.3, and invalid
/// forms that servers send: these cause the same pause as a missing field, 30 s.
struct form {
    const char* text;
    steady_duration least;
};

constexpr form forms[] = {
    {"1", 1s},
    {"2", 2s},
    {"3", 3s},
    {"7", 7s},
    {"30", 30s},
    {"3600", 3600s},
    {"date+2", 1s}, // the date has whole seconds, and half a second passes in flight
    {"date+3", 2s},
    {"date+30", 29s},
    {"date+0", 1s},
    {"date+-60", 1s},
    {"0", 1s},
    {"00002", 2s},
    {"-1", 30s},
    {"", 30s},
    {"1000000000000", 3600s},
    {"1.5", 30s},
    {"1, 2", 30s},
    {"soon", 30s},
    {"Sun, 06 Nov 1994 08:49:37 GMT", 1s},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 3600s},
};
static_assert(std::size(forms) == 21);

constexpr std::size_t connections = 8;

/// One poller, and an API that rejects its requests with 429.
struct storm {
    /// Due once a second: a hundred pollers at full speed would leave no CPU time for each other's handshakes.
    storm(loop& on, const form& asked) : wanted(asked), poller(on, 40, connections, 1s) {}

    /// Takes the next step of the scenario that is possible; true once the poller pauses with no request in flight.
    bool advance() {
        const steady_time now = std::chrono::steady_clock::now();
        if (stage == stages::polling && poller.health().state() == api_state::ok) {
            poller.api().faults.retry_after = wanted.text;
            poller.api().faults.set(simulator::fault::rate_limited, 1);
            stage = stages::refused;
        }
        if (stage == stages::refused && poller.health().state() == api_state::throttled) {
            paused_at = now;
            first_pause_until = poller.health().paused_until(now);
            stage = stages::throttled;
        }
        if (stage == stages::throttled && poller.nothing_in_flight()) {
            measure(now);
            poller.api().faults.set(simulator::fault::rate_limited, 0);
            stage = stages::paused;
        }
        return stage == stages::paused;
    }

    /// Compares the poller's pause with Retry-After. Precondition: no request in flight.
    void measure(steady_time now) {
        paused_until = poller.health().paused_until(now);
        requests_at_pause = poller.api().stats.session_requests;
        // On a slow machine a pause of a second may end before the last answer arrives; the API then rejects again.
        if (now < first_pause_until) {
            EXPECT_LE(poller.api().stats.answers_by_status[429], connections) << wanted.text;
        }
        if (paused_until != no_time) {
            EXPECT_GE(paused_until - paused_at, wanted.least - 500ms) << wanted.text;
        }
    }

    enum class stages { polling, refused, throttled, paused };

    const form& wanted;
    live_poller poller;
    stages stage = stages::polling;
    std::uint64_t requests_at_pause = 0;
    steady_time paused_at = no_time;
    steady_time first_pause_until = no_time;
    steady_time paused_until = no_time;
};

TEST(Throttling, SendsNothingInAHundredStormsBeforeRetryAfter) {
    loop on;
    std::vector<std::unique_ptr<storm>> storms;
    for (std::size_t i = 0; i < 100; ++i) {
        storms.push_back(std::make_unique<storm>(on, forms[i % std::size(forms)]));
        storms.back()->poller.start();
    }
    // Each poller works; then its API rejects. The pause begins with the first 429; requests in flight at that time may
    // still arrive. Each scenario continues at its own pace, because a busy machine cannot serve all at one instant.
    ASSERT_TRUE(on.run_until([&] {
        bool all = true;
        for (auto& each : storms) {
            all = each->advance() && all;
        }
        return all;
    }));
    // For three seconds each request is compared with the pause at its arrival.
    const steady_time end = std::chrono::steady_clock::now() + 3s;
    std::size_t resumed = 0;
    ASSERT_TRUE(on.run_until([&] {
        const steady_time now = std::chrono::steady_clock::now();
        for (auto& each : storms) {
            if (each->paused_until != no_time && now < each->paused_until) {
                EXPECT_EQ(each->poller.api().stats.session_requests, each->requests_at_pause)
                    << each->wanted.text;
            }
        }
        return now >= end;
    }));
    // Pollers with short pauses have resumed, so the pauses were not failures.
    for (auto& each : storms) {
        const bool back = each->poller.api().stats.session_requests > each->requests_at_pause;
        resumed += back ? 1 : 0;
        if (each->wanted.least >= 29s) {
            EXPECT_FALSE(back) << each->wanted.text;
        }
    }
    EXPECT_GE(resumed, 25U);
    for (auto& each : storms) {
        each->poller.finish();
    }
}

} // namespace
} // namespace kallglot::test

// The budget against an account whose truth is known: fixed windows of a minute, answers that take time, and
// others that use the same key.

#include "polling/request_budget.hpp"
#include "unit/tracking/answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>

namespace kallglot {
namespace {

using namespace std::chrono_literals;
using test::t0;

/// How the account is used, and which headers it sends.
struct account_case {
    const char* name;
    std::uint32_t limit;
    double share;
    double others; ///< part of the limit that others use, evenly
    steady_duration latency;
    seconds window{60};
};

/// What happened in a simulated time.
struct spending {
    std::uint64_t ours = 0;
    std::uint64_t others = 0;
    std::uint64_t refused = 0;        ///< of our requests
    std::uint64_t most_in_window = 0; ///< of ours
    std::uint64_t foreign_told = 0;
};

class simulated_account {
public:
    simulated_account(const account_case& terms, test::chance& chance)
        : terms_(terms),
          chance_(chance),
          budget_({{rate_limit_mode::automatic, {}}, rate::unlimited(), terms.share}, t0) {}

    spending run(steady_duration span) {
        const double others_rate =
            terms_.others * terms_.limit / static_cast<double>(terms_.window.count());
        double owed = 0;
        for (steady_time now = t0; now < t0 + span; now += 5ms) {
            turn_window(now);
            owed += others_rate * 0.005;
            for (; owed >= 1; --owed) {
                ++used_;
                ++result_.others;
            }
            for (; !arriving_.empty() && arriving_.begin()->first <= now;
                 arriving_.erase(arriving_.begin())) {
                serve(arriving_.begin()->second, now);
            }
            for (; !answers_.empty() && answers_.begin()->first <= now;
                 answers_.erase(answers_.begin())) {
                const answer& one = answers_.begin()->second;
                budget_.on_headers(one.headers, one.date, one.sent, now);
            }
            const double rate = budget_.allowed(now);
            if (rate > 0 && budget_.next_request(rate) <= now) {
                budget_.on_sent(now, rate);
                arriving_.emplace(now + half_way(), now);
            }
        }
        result_.foreign_told = budget_.foreign_requests();
        return result_;
    }

private:
    struct answer {
        response_headers headers;
        api_time date{};
        steady_time sent{};
    };

    [[nodiscard]] steady_duration half_way() {
        return chance_.between(terms_.latency / 4, terms_.latency / 2);
    }

    void turn_window(steady_time now) {
        const auto number = (now - t0 + 17s) / terms_.window;
        if (number != window_) {
            window_ = number;
            used_ = 0;
            ours_in_window_ = 0;
        }
    }

    void serve(steady_time sent, steady_time now) {
        response_headers headers;
        ++result_.ours;
        result_.most_in_window = std::max(result_.most_in_window, ++ours_in_window_);
        if (used_ >= terms_.limit) {
            ++result_.refused;
        } else {
            ++used_;
        }
        headers.rate_limit = terms_.limit;
        headers.rate_remaining = terms_.limit - std::min(used_, terms_.limit);
        const steady_time end = t0 - 17s + terms_.window * (window_ + 1);
        headers.rate_reset = std::chrono::ceil<seconds>(test::api_at(end));
        const api_time date = std::chrono::floor<seconds>(test::api_at(now));
        answers_.emplace(now + half_way(), answer{headers, date, sent});
    }

    const account_case& terms_;
    test::chance& chance_;
    request_budget budget_;
    spending result_;
    std::int64_t window_ = 0;
    std::uint32_t used_ = 0;
    std::uint64_t ours_in_window_ = 0;
    std::multimap<steady_time, steady_time> arriving_; ///< with the moments at which they were sent
    std::multimap<steady_time, answer> answers_;
};

class RequestBudgetAccount : public testing::TestWithParam<account_case> {};

TEST_P(RequestBudgetAccount, SpendsItsShareAndNoMore) {
    test::chance chance;
    SCOPED_TRACE(chance.told());
    const account_case& terms = GetParam();
    constexpr steady_duration span = 30min;
    simulated_account account(terms, chance);
    const spending spent = account.run(span);

    EXPECT_EQ(spent.refused, 0U);
    const double windows = to_seconds(span) / static_cast<double>(terms.window.count());
    const double ours = terms.share * terms.limit;
    const double at_once =
        ours * to_seconds(terms.latency) / static_cast<double>(terms.window.count());
    EXPECT_LE(static_cast<double>(spent.most_in_window), ours + 2 + 2 * at_once);
    EXPECT_GE(static_cast<double>(spent.ours), 0.85 * ours * (windows - 1));
    // The headers show the others only through what is left: never more than there were, and most of them.
    EXPECT_LE(spent.foreign_told, spent.others);
    EXPECT_GE(static_cast<double>(spent.foreign_told), 0.8 * static_cast<double>(spent.others));
}

INSTANTIATE_TEST_SUITE_P(
    Accounts,
    RequestBudgetAccount,
    testing::Values(account_case{"SixtyAloneHalf", 60, 0.5, 0, 200ms},
                    account_case{"SixtySharedHalf", 60, 0.5, 0.45, 200ms},
                    account_case{"SixHundredSharedHalf", 600, 0.5, 0.49, 200ms},
                    account_case{"SixHundredSlow", 600, 0.5, 0.45, 3s},
                    account_case{"SixThousandSharedHalf", 6000, 0.5, 0.49, 300ms},
                    account_case{"SixThousandAlone", 6000, 0.5, 0, 300ms},
                    account_case{"MostOfItIsOurs", 600, 0.8, 0.19, 300ms},
                    account_case{"WindowOfTenSeconds", 200, 0.5, 0.4, 200ms, 10s},
                    account_case{"WindowOfTenMinutes", 6000, 0.5, 0.45, 200ms, 600s}),
    [](const auto& tried) { return tried.param.name; });

} // namespace
} // namespace kallglot

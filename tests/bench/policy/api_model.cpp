#include "bench/policy/api_model.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kallglot::policy {

namespace {

using namespace std::chrono_literals;
using test::fake_reply;

} // namespace

double others_rate(const api_model_settings& settings,
                   steady_duration in_minute,
                   bool busy) noexcept {
    const double burst = in_minute >= window_length - 6s ? settings.others_burst / 6 : 0.0;
    return (busy ? settings.others_busy_a_minute : settings.others_a_minute) / 60 + burst;
}

api_model::api_model(api_model_settings settings, steady_time start, random_source random)
    : settings_(std::move(settings)),
      start_(start),
      wall_(start),
      random_(random),
      next_other_(start) {
    turn_window(start);
}

fake_reply api_model::answer(steady_time sent) {
    const steady_duration latency =
        std::min<steady_duration>(random_.lognormal(80ms, 0.7), 9s) + 15ms;
    if (in_any(settings_.outages, sent)) {
        fake_reply reply = test::failed_reply(errc::connect_refused);
        reply.latency = 20ms;
        return reply;
    }
    turn_window(sent);
    fake_reply reply;
    const bool storm = in_any(settings_.storms, sent);
    if (storm || (settings_.limit_a_minute > 0 && used_ >= settings_.limit_a_minute)) {
        ++throttled_;
        reply.answer.http_status = 429;
        reply.answer.headers.retry_after =
            storm ? 30s : std::chrono::ceil<seconds>(window_end_ - wall_.at(sent));
    } else {
        used_ += 1;
        busiest_ = std::max(busiest_, ++ours_);
        if (random_.chance(settings_.failing)) {
            reply = failure();
        } else {
            reply.answer.http_status = 200;
        }
    }
    if (reply.answer.error) {
        return reply;
    }
    reply.latency = latency;
    add_headers(reply, sent);
    return reply;
}

steady_duration api_model::unusable(steady_time from, steady_time to) const noexcept {
    steady_duration sum{};
    for (const auto* const periods : {&settings_.outages, &settings_.storms}) {
        for (const period& p : *periods) {
            const steady_time begin = std::max(from, start_ + p.from);
            const steady_time end = std::min(to, start_ + p.to);
            sum += std::max<steady_duration>(end - begin, 0s);
        }
    }
    return sum;
}

void api_model::turn_window(steady_time now) {
    const double fastest = (std::max(settings_.others_a_minute, settings_.others_busy_a_minute)
                            + 10 * settings_.others_burst)
                           / 60;
    // Candidates at the highest rate, each accepted with the share that its moment has of it.
    for (; fastest > 0 && next_other_ <= now; next_other_ += random_.exponential(1 / fastest)) {
        end_window_before(next_other_);
        const double rate = others_now(next_other_);
        if (rate < fastest && !random_.chance(rate / fastest)) {
            continue;
        }
        // Without our requests, others are refused only beyond the limit.
        ++others_wanted_;
        if (settings_.limit_a_minute <= 0 || used_ < settings_.limit_a_minute) {
            used_ += 1;
        } else if (others_wanted_ <= settings_.limit_a_minute) {
            ++others_refused_;
        }
    }
    end_window_before(now);
}

void api_model::end_window_before(steady_time now) {
    while (wall_.at(now) >= window_end_) {
        if (window_end_ != api_time{}) {
            left_to_us_ += std::clamp(settings_.limit_a_minute - others_wanted_,
                                      0.0,
                                      settings_.our_share * settings_.limit_a_minute);
        }
        const auto begin = std::chrono::floor<seconds>(wall_.at(now));
        window_end_ = begin - begin.time_since_epoch() % window_length + window_length;
        used_ = 0;
        ours_ = 0;
        others_wanted_ = 0;
    }
}

double api_model::others_now(steady_time at) const noexcept {
    const api_time time = wall_.at(at);
    const auto hour =
        std::chrono::floor<std::chrono::hours>(time - std::chrono::floor<std::chrono::days>(time));
    const bool busy = settings_.others_busy_a_minute > 0 && hour >= busy_from && hour < busy_until;
    return others_rate(settings_, time.time_since_epoch() % window_length, busy);
}

bool api_model::in_any(const std::vector<period>& periods, steady_time at) const noexcept {
    return std::any_of(periods.begin(), periods.end(), [&](const period& p) {
        return at >= start_ + p.from && at < start_ + p.to;
    });
}

fake_reply api_model::failure() {
    const double kind = random_.unit();
    fake_reply reply;
    if (kind < 0.05) {
        reply.answer.error = errc::request_timeout;
        reply.latency = 10s;
    } else if (kind < 0.3) {
        reply.answer.error = errc::connection_reset;
        reply.latency = 50ms;
    } else {
        reply.answer.http_status = kind < 0.6 ? 500 : 503;
    }
    return reply;
}

void api_model::add_headers(fake_reply& reply, steady_time sent) const {
    response_headers& headers = reply.answer.headers;
    headers.date = wall_.stamp(sent + reply.latency / 2);
    if (settings_.headers && settings_.limit_a_minute > 0) {
        headers.rate_limit = static_cast<std::uint32_t>(settings_.limit_a_minute);
        headers.rate_remaining =
            static_cast<std::uint32_t>(std::max(settings_.limit_a_minute - used_, 0.0));
        headers.rate_reset = window_end_;
    }
}

} // namespace kallglot::policy

#include "simulator/fault_plan.hpp"

#include "simulator/units.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace kallglot::simulator {

namespace {

constexpr std::array<std::string_view, fault_count> names{
    "none",         "unauthorized",   "payment_required",
    "forbidden",    "not_found",      "gone",
    "rate_limited", "server_error",   "bad_gateway",
    "unavailable",  "close",          "truncate",
    "hang",         "not_json",       "empty_body",
    "wrong_id",     "unknown_status", "hostile_words",
    "redirect",     "chunked",        "connection_close",
    "interim",      "two_responses",  "drip",
    "endless",      "huge",           "deep",
    "garbage",      "trailers",       "wrong_types",
    "bad_dates",    "backwards"};

struct webhook_share {
    std::string_view name;
    double webhook_faults::* share;
};

constexpr std::array webhook_shares{webhook_share{"webhook_lost", &webhook_faults::lost},
                                    webhook_share{"webhook_late", &webhook_faults::late},
                                    webhook_share{"webhook_twice", &webhook_faults::twice},
                                    webhook_share{"webhook_shuffled", &webhook_faults::shuffled}};

std::string text_of(const boost::json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
}

// Applies one field to the plan; returns an error text if it is invalid.
std::optional<std::string> apply_field(fault_plan& plan,
                                       std::string_view name,
                                       const boost::json::value& value) {
    const auto refusal = [name](std::string_view allowed) {
        return std::string(name).append(" must be ").append(allowed);
    };
    if (name == "reset") {
        return std::nullopt;
    }
    if (name == "retry_after") {
        plan.retry_after = text_of(value);
        return std::nullopt;
    }
    if (name == "close_after") {
        boost::system::error_code error;
        plan.close_after = value.to_number<std::uint64_t>(error);
        return error ? std::optional(refusal("a whole number")) : std::nullopt;
    }
    if (name == "latency" || name == "jitter" || name == "webhook_delay") {
        const auto duration = parse_duration(text_of(value));
        if (!duration) {
            return refusal("a duration, for example 300ms");
        }
        (name == "latency"  ? plan.latency
         : name == "jitter" ? plan.jitter
                            : plan.webhooks.delay) = *duration;
        return std::nullopt;
    }
    const auto kind = fault_from_text(name);
    const auto webhook = std::find_if(webhook_shares.begin(),
                                      webhook_shares.end(),
                                      [&](const webhook_share& each) { return each.name == name; });
    if (!kind && webhook == webhook_shares.end()) {
        return std::string("unknown field ").append(name);
    }
    boost::system::error_code error;
    const double share = value.to_number<double>(error);
    if (error || !(share >= 0.0 && share <= 1.0)) {
        return refusal("a share from 0 to 1");
    }
    if (kind) {
        plan.set(*kind, share);
    } else {
        plan.webhooks.*(webhook->share) = share;
    }
    return std::nullopt;
}

} // namespace

std::string_view to_text(fault kind) {
    return names[static_cast<std::size_t>(kind)];
}

std::optional<fault> fault_from_text(std::string_view name) {
    for (std::size_t place = 1; place < names.size(); ++place) {
        if (names[place] == name) {
            return static_cast<fault>(place);
        }
    }
    return std::nullopt;
}

fault fault_plan::choose(double position) const {
    for (std::size_t place = 1; place < shares.size(); ++place) {
        if (position < shares[place]) {
            return static_cast<fault>(place);
        }
        position -= shares[place];
    }
    return fault::none;
}

std::optional<std::chrono::seconds> pause_of(std::string_view retry_after) {
    if (retry_after.starts_with("date+")) {
        retry_after.remove_prefix(5);
    }
    std::uint32_t seconds = 0;
    const char* end = retry_after.data() + retry_after.size();
    const auto [stop, error] = std::from_chars(retry_after.data(), end, seconds);
    if (retry_after.empty() || error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return std::chrono::seconds{seconds};
}

std::optional<std::string> apply_json(fault_plan& plan, std::string_view text) {
    boost::system::error_code error;
    const boost::json::value document =
        boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
    if (error || !document.is_object()) {
        return "invalid body: expected a JSON object";
    }
    const boost::json::object& object = document.get_object();
    // Applied to a copy, so that a request with one invalid field changes nothing.
    fault_plan changed = plan;
    if (const auto* reset = object.if_contains("reset"); reset != nullptr && *reset == true) {
        changed = fault_plan{};
    }
    for (const auto& field : object) {
        const std::string_view name{field.key().data(), field.key().size()};
        if (auto refusal = apply_field(changed, name, field.value())) {
            return refusal;
        }
    }
    double total = 0;
    for (const double share : changed.shares) {
        total += share;
    }
    if (total > 1.0 + 1e-9) {
        return "the sum of the shares must not exceed 1";
    }
    plan = changed;
    return std::nullopt;
}

std::string to_json(const fault_plan& plan) {
    boost::json::object object;
    for (std::size_t place = 1; place < names.size(); ++place) {
        if (plan.shares[place] > 0) {
            object[boost::json::string_view(names[place].data(), names[place].size())] =
                plan.shares[place];
        }
    }
    object["retry_after"] = plan.retry_after;
    object["latency"] = std::to_string(plan.latency.count()) + "ms";
    object["jitter"] = std::to_string(plan.jitter.count()) + "ms";
    object["close_after"] = plan.close_after;
    for (const webhook_share& each : webhook_shares) {
        if (plan.webhooks.*(each.share) > 0) {
            object[boost::json::string_view(each.name.data(), each.name.size())] =
                plan.webhooks.*(each.share);
        }
    }
    return boost::json::serialize(object);
}

} // namespace kallglot::simulator

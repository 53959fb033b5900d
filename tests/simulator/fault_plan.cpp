#include "simulator/fault_plan.hpp"

#include "simulator/units.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace kallglot::simulator {

namespace {

constexpr std::array<std::string_view, fault_count> names{"none",
                                                          "unauthorized",
                                                          "payment_required",
                                                          "forbidden",
                                                          "not_found",
                                                          "gone",
                                                          "rate_limited",
                                                          "server_error",
                                                          "bad_gateway",
                                                          "unavailable",
                                                          "close",
                                                          "truncate",
                                                          "hang",
                                                          "not_json",
                                                          "empty_body",
                                                          "wrong_id",
                                                          "unknown_status",
                                                          "hostile_words",
                                                          "redirect",
                                                          "chunked",
                                                          "connection_close",
                                                          "interim",
                                                          "two_responses",
                                                          "drip",
                                                          "endless",
                                                          "huge",
                                                          "deep",
                                                          "garbage",
                                                          "trailers",
                                                          "wrong_types",
                                                          "bad_dates",
                                                          "backwards",
                                                          "misdirected",
                                                          "bad_status",
                                                          "late",
                                                          "interim_flood",
                                                          "longer_body",
                                                          "shorter_body",
                                                          "refused_stream",
                                                          "http_1_1_required",
                                                          "goaway",
                                                          "reset_stream",
                                                          "reset_body",
                                                          "trailer_field",
                                                          "forbidden_field",
                                                          "push_promise",
                                                          "window_overflow",
                                                          "idle_stream",
                                                          "goaway_rising",
                                                          "hpack_bomb",
                                                          "stall",
                                                          "ping_flood",
                                                          "settings_flood",
                                                          "window_flood",
                                                          "priority_flood",
                                                          "reset_flood",
                                                          "unknown_flood",
                                                          "empty_data_flood",
                                                          "continuation_flood",
                                                          "window_overrun"};

// Names of error codes, in their order.
constexpr std::array<std::string_view, 14> code_names{"NO_ERROR",
                                                      "PROTOCOL_ERROR",
                                                      "INTERNAL_ERROR",
                                                      "FLOW_CONTROL_ERROR",
                                                      "SETTINGS_TIMEOUT",
                                                      "STREAM_CLOSED",
                                                      "FRAME_SIZE_ERROR",
                                                      "REFUSED_STREAM",
                                                      "CANCEL",
                                                      "COMPRESSION_ERROR",
                                                      "CONNECT_ERROR",
                                                      "ENHANCE_YOUR_CALM",
                                                      "INADEQUATE_SECURITY",
                                                      "HTTP_1_1_REQUIRED"};

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

// Fields of one type, each with the member that it sets.
template <class Member>
struct named_member {
    std::string_view name;
    Member& (*member)(fault_plan& plan);
};

using duration_member = named_member<std::chrono::milliseconds>;
using text_member = named_member<std::string>;
using count_member = named_member<std::uint64_t>;
using code_member = named_member<std::uint32_t>;

constexpr std::array durations{duration_member{"latency",
                                               [](fault_plan& plan) -> auto& {
                                                   return plan.latency;
                                               }},
                               duration_member{"jitter",
                                               [](fault_plan& plan) -> auto& {
                                                   return plan.jitter;
                                               }},
                               duration_member{"late_by",
                                               [](fault_plan& plan) -> auto& {
                                                   return plan.late_by;
                                               }},
                               duration_member{"webhook_delay", [](fault_plan& plan) -> auto& {
                                                   return plan.webhooks.delay;
                                               }}};
constexpr std::array texts{text_member{"retry_after",
                                       [](fault_plan& plan) -> auto& {
                                           return plan.retry_after;
                                       }},
                           text_member{"alpn",
                                       [](fault_plan& plan) -> auto& {
                                           return plan.alpn.accepted;
                                       }},
                           text_member{"alpn_answer",
                                       [](fault_plan& plan) -> auto& {
                                           return plan.alpn.forced;
                                       }},
                           text_member{"speak", [](fault_plan& plan) -> auto& {
                                           return plan.alpn.spoken;
                                       }}};
constexpr std::array counts{count_member{"close_after",
                                         [](fault_plan& plan) -> auto& {
                                             return plan.close_after;
                                         }},
                            count_member{"cancelled_bytes", [](fault_plan& plan) -> auto& {
                                             return plan.http2.cancelled_bytes;
                                         }}};
constexpr std::array codes{code_member{"reset_code",
                                       [](fault_plan& plan) -> auto& {
                                           return plan.http2.reset_code;
                                       }},
                           code_member{"goaway_code", [](fault_plan& plan) -> auto& {
                                           return plan.http2.goaway_code;
                                       }}};

template <class Members>
auto* find_member(fault_plan& plan, const Members& members, std::string_view name) {
    const auto found = std::find_if(members.begin(), members.end(), [name](const auto& each) {
        return each.name == name;
    });
    return found != members.end() ? &found->member(plan) : nullptr;
}

std::optional<std::uint32_t> code_of(const boost::json::value& value) {
    const std::string text = text_of(value);
    const auto found = std::find(code_names.begin(), code_names.end(), text);
    if (found != code_names.end()) {
        return static_cast<std::uint32_t>(found - code_names.begin());
    }
    boost::system::error_code error;
    const auto number = value.to_number<std::uint32_t>(error);
    return error ? std::nullopt : std::optional(number);
}

std::string text_of_code(std::uint32_t code) {
    return code < code_names.size() ? std::string(code_names[code]) : std::to_string(code);
}

bool is_spoken(std::string_view name) {
    return name == "agreed" || name == "http/1.1" || name == "h2" || name == "nothing";
}

// Applies a field that is not a share. Nothing if there is no such field; an empty text if it was applied, else what the
// value must be.
std::optional<std::string_view> apply_setting(fault_plan& plan,
                                              std::string_view name,
                                              const boost::json::value& value) {
    boost::system::error_code error;
    if (auto* duration = find_member(plan, durations, name)) {
        const auto parsed = parse_duration(text_of(value));
        *duration = parsed.value_or(*duration);
        return parsed ? "" : "a duration, for example 300ms";
    }
    if (auto* text = find_member(plan, texts, name)) {
        *text = text_of(value);
        return is_spoken(plan.alpn.spoken) ? "" : "agreed, http/1.1, h2 or nothing";
    }
    if (auto* count = find_member(plan, counts, name)) {
        *count = value.to_number<std::uint64_t>(error);
        return error ? "a whole number" : "";
    }
    if (auto* code = find_member(plan, codes, name)) {
        const auto parsed = code_of(value);
        *code = parsed.value_or(*code);
        return parsed ? "" : "an error code of HTTP/2, for example CANCEL";
    }
    if (name == "max_streams") {
        plan.http2.max_streams = value.to_number<std::uint32_t>(error);
        return error ? "a whole number" : "";
    }
    return std::nullopt;
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
    if (const auto allowed = apply_setting(plan, name, value)) {
        return allowed->empty() ? std::nullopt : std::optional(refusal(*allowed));
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
    object["late_by"] = std::to_string(plan.late_by.count()) + "ms";
    object["close_after"] = plan.close_after;
    object["alpn"] = plan.alpn.accepted;
    object["alpn_answer"] = plan.alpn.forced;
    object["speak"] = plan.alpn.spoken;
    object["max_streams"] = plan.http2.max_streams;
    object["reset_code"] = text_of_code(plan.http2.reset_code);
    object["goaway_code"] = text_of_code(plan.http2.goaway_code);
    object["cancelled_bytes"] = plan.http2.cancelled_bytes;
    for (const webhook_share& each : webhook_shares) {
        if (plan.webhooks.*(each.share) > 0) {
            object[boost::json::string_view(each.name.data(), each.name.size())] =
                plan.webhooks.*(each.share);
        }
    }
    return boost::json::serialize(object);
}

} // namespace kallglot::simulator

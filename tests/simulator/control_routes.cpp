#include "simulator/control_routes.hpp"

#include "simulator/session_body.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <utility>

namespace kallglot::simulator {

namespace json = boost::json;

namespace {

constexpr std::uint64_t max_added_at_once = 1'000'000;
constexpr std::size_t max_listed = 10'000;

json::string text_of(std::string_view text) {
    return json::string(text.data(), text.size());
}

json::value time_of(system_time time) {
    if (time == never) {
        return nullptr;
    }
    std::string text;
    append_timestamp(text, time);
    return text_of(text);
}

double seconds_of(system_time time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

json::object by_status(const std::array<std::uint64_t, session_status_count>& counts) {
    json::object object;
    for (std::size_t place = 0; place < counts.size(); ++place) {
        const std::string_view name = to_text(static_cast<session_status>(place));
        object[json::string_view(name.data(), name.size())] = counts[place];
    }
    return object;
}

json::object describe(const population& sessions, const session_life& life, system_time now) {
    json::object object;
    object["id"] = sessions.id_of(life.number);
    object["status"] = text_of(to_text(status_at(life, now)));
    object["status_since"] = seconds_of(status_since(life, now));
    object["kind"] = text_of(to_text(life.kind));
    object["generation"] = life.generation == json_generation::first ? 1 : 2;
    object["mode"] = text_of(mode_of(life));
    object["provider"] = text_of(provider_of(life));
    object["created_at"] = time_of(life.created_at);
    object["connecting_at"] = time_of(life.connecting_at);
    object["started_at"] = time_of(life.started_at);
    object["ending_at"] = time_of(life.ending_at);
    object["ended_at"] = time_of(life.ended_at);
    object["asked"] = sessions.questions(life.number);
    return object;
}

json::object describe(const asked_range& range) {
    json::object object;
    object["sessions"] = range.sessions;
    object["least"] = range.least;
    object["most"] = range.most;
    object["never_asked"] = range.never_asked;
    return object;
}

std::uint64_t number_in(std::string_view query, std::string_view name, std::uint64_t otherwise) {
    const auto text = query_value(query, name);
    std::uint64_t number = otherwise;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), number);
    }
    return number;
}

std::optional<json::object> object_in(std::string_view body) {
    boost::system::error_code error;
    const json::value value = json::parse(json::string_view(body.data(), body.size()), error);
    return !error && value.is_object() ? std::optional(value.get_object()) : std::nullopt;
}

bool flag_in(const json::object& object, json::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

} // namespace

struct control_routes::reply {
    unsigned status{200};
    std::string body;

    static reply of(const json::object& object) { return {200, json::serialize(object) + "\n"}; }

    static reply refusal(unsigned status, std::string_view message) {
        json::object object;
        object["error"] = text_of(message);
        return {status, json::serialize(object) + "\n"};
    }
};

bool is_control_path(std::string_view path) {
    return path.starts_with("/_");
}

control_routes::reply control_routes::truth_of_one(std::string_view id, system_time now) const {
    const auto life = state_.sessions.find(id, now);
    if (!life) {
        return reply::refusal(404, "session not found");
    }
    return reply::of(describe(state_.sessions, *life, now));
}

control_routes::reply control_routes::truth_of_many(const http_request& request,
                                                    system_time now) const {
    const std::uint64_t offset = number_in(request.query, "offset", 0);
    const std::uint64_t limit =
        std::min<std::uint64_t>(number_in(request.query, "limit", 0), max_listed);
    json::array list;
    std::uint64_t place = 0;
    state_.sessions.for_each(now, [&](const session_life& life) {
        if (place >= offset && place - offset < limit) {
            list.push_back(describe(state_.sessions, life, now));
        }
        ++place;
    });
    json::object object;
    object["now"] = seconds_of(now);
    object["total"] = place;
    object["sessions"] = std::move(list);
    return reply::of(object);
}

control_routes::reply control_routes::truth(const http_request& request, system_time now) const {
    if (const auto id = query_value(request.query, "id")) {
        return truth_of_one(*id, now);
    }
    if (query_value(request.query, "limit")) {
        return truth_of_many(request, now);
    }
    const auto threshold_text = query_value(request.query, "threshold").value_or("15s");
    const auto threshold = parse_duration(threshold_text);
    if (!threshold) {
        return reply::refusal(400, "threshold must be a duration, for example 15s");
    }
    const population_counts counts = state_.sessions.count(now, *threshold);
    json::array stuck;
    state_.sessions.for_each(now, [&](const session_life& life) {
        const bool connecting = life.kind == session_kind::stuck && now >= life.connecting_at;
        if (connecting && stuck.size() < max_listed) {
            stuck.push_back(json::value(state_.sessions.id_of(life.number)));
        }
    });
    json::object object;
    object["now"] = seconds_of(now);
    object["sessions"] = counts.sessions;
    object["by_status"] = by_status(counts.by_status);
    object["threshold_seconds"] = std::chrono::duration<double>(*threshold).count();
    object["over_threshold"] = by_status(counts.over_threshold);
    object["stuck"] = counts.stuck;
    object["stuck_ids"] = std::move(stuck);
    object["never_started"] = counts.never_started;
    object["arrivals_per_second"] = state_.sessions.arrivals_per_second();
    return reply::of(object);
}

control_routes::reply control_routes::stats(const http_request& request, system_time now) {
    if (request.method == "POST") {
        state_.stats.reset();
        return reply::of(json::object{});
    }
    const request_stats& stats = state_.stats;
    json::object object;
    object["now"] = seconds_of(now);
    object["requests"] = {{"session", stats.session_requests},
                          {"other", stats.other_requests},
                          {"control", stats.control_requests},
                          {"malformed", stats.malformed_requests},
                          {"last_second", stats.last_second_requests(now)},
                          {"peak_second", stats.peak_second_requests},
                          {"in_flight", stats.in_flight},
                          {"in_flight_peak", stats.in_flight_peak}};
    json::object answers;
    for (std::size_t status = 0; status < stats.answers_by_status.size(); ++status) {
        if (stats.answers_by_status[status] > 0) {
            answers[std::to_string(status)] = stats.answers_by_status[status];
        }
    }
    object["answers"] = std::move(answers);
    json::object met;
    for (std::size_t place = 1; place < fault_count; ++place) {
        if (stats.faults[place] > 0) {
            const std::string_view name = to_text(static_cast<fault>(place));
            met[json::string_view(name.data(), name.size())] = stats.faults[place];
        }
    }
    object["faults"] = std::move(met);
    object["connections"] = {{"open", stats.connections_open},
                             {"opened", stats.connections_opened},
                             {"peak", stats.connections_peak}};
    object["http2"] = {{"connections", stats.http2.connections},
                       {"requests", stats.http2.requests},
                       {"streams_peak", stats.http2.streams_peak},
                       {"goaways", stats.http2.goaways},
                       {"dropped_requests", stats.http2.dropped_requests},
                       {"cancelled_requests", stats.http2.cancelled_requests},
                       {"client_pings", stats.http2.client_pings},
                       {"client_goaways", stats.http2.client_goaways}};
    object["handshakes"] = {{"done", stats.handshakes},
                            {"resumed", stats.handshakes_resumed},
                            {"failed", stats.handshakes_failed}};
    object["pauses"] = {{"asked_for", stats.pauses},
                        {"early_requests", stats.early_requests},
                        {"early_requests_in_grace", stats.early_requests_in_grace}};
    object["webhooks"] = {{"made", stats.webhooks.made},
                          {"delivered", stats.webhooks.delivered},
                          {"failed_attempts", stats.webhooks.failed_attempts},
                          {"lost", stats.webhooks.lost},
                          {"given_up", stats.webhooks.given_up},
                          {"waiting", stats.webhooks.waiting}};
    object["asked"] = {{"standing", describe(state_.sessions.questions_about_standing())},
                       {"arrived", describe(state_.sessions.questions_about_arrived(now))}};
    return reply::of(object);
}

control_routes::reply control_routes::faults(const http_request& request) {
    if (request.method == "POST") {
        if (const auto refusal = apply_json(state_.faults, request.body)) {
            return reply::refusal(400, *refusal);
        }
    }
    return {200, to_json(state_.faults) + "\n"};
}

control_routes::reply control_routes::key(const http_request& request) {
    const auto object = object_in(request.body);
    const json::value* key = object ? object->if_contains("key") : nullptr;
    if (request.method != "POST" || key == nullptr || !key->is_string()
        || key->get_string().empty()) {
        return reply::refusal(400, R"(invalid body: expected {"key":"..."})");
    }
    state_.key = std::string(key->get_string());
    return reply::of(json::object{});
}

control_routes::reply control_routes::sessions(const http_request& request, system_time now) {
    const auto object = object_in(request.body);
    if (request.method != "POST" || !object) {
        return reply::refusal(400, R"(invalid body: expected {"count":10,"stuck":true})");
    }
    std::uint64_t count = 1;
    if (const json::value* requested = object->if_contains("count")) {
        boost::system::error_code error;
        count = requested->to_number<std::uint64_t>(error);
        if (error || count == 0 || count > max_added_at_once) {
            return reply::refusal(400, "count must be 1 to 1000000");
        }
    }
    session_kind kind = flag_in(*object, "stuck") ? session_kind::stuck : session_kind::ordinary;
    kind = flag_in(*object, "never_started") ? session_kind::never_started : kind;
    const std::vector<std::string> ids = state_.sessions.add(count, kind, now);
    on_added_(ids);
    json::object answer;
    answer["added"] = ids.size();
    json::array list;
    for (std::size_t place = 0; place < ids.size() && place < max_listed; ++place) {
        list.push_back(json::value(ids[place]));
    }
    answer["ids"] = std::move(list);
    return reply::of(answer);
}

void control_routes::answer(const http_request& request, system_time now, http_answer& out) {
    ++state_.stats.control_requests;
    reply made = reply::refusal(404, "control path not found");
    if (request.path == "/_truth") {
        made = truth(request, now);
    } else if (request.path == "/_stats") {
        made = stats(request, now);
    } else if (request.path == "/_faults") {
        made = faults(request);
    } else if (request.path == "/_key") {
        made = key(request);
    } else if (request.path == "/_sessions") {
        made = sessions(request, now);
    } else if (request.path == "/_free" && request.method == "POST") {
        state_.sessions.free_stuck(now);
        made = reply::of(json::object{});
    }
    out.status = made.status;
    out.type = json_type;
    out.fields += "Date: ";
    append_http_date(out.fields, now);
    out.fields += "\r\nCache-Control: no-store\r\n";
    out.body = std::move(made.body);
    out.close = !request.keep_alive;
}

} // namespace kallglot::simulator

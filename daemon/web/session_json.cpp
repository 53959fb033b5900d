// Answers are built as Boost.JSON values and serialized: they are small, and escaping is the library's. Only the bulk
// body has a SAX reader of its own, because 10,000 ids as a document would cost several times their size.

#include "web/session_json.hpp"

#include "kallglot/api/json_limits.hpp"
#include "kallglot/base/time.hpp"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>
#include <string>
#include <utility>

namespace kallglot {

namespace {

namespace json = boost::json;

// A rejected id can be any text of the caller; the answer repeats only its beginning.
constexpr std::size_t max_shown_id_bytes = 128;

// Every answer of the session API passes here: one content type, never cached.
http_response make_json(int status, const json::value& body) {
    http_response response;
    response.status = status;
    response.content_type = "application/json";
    response.fields.emplace_back("Cache-Control", "no-store");
    // A line end, so that a shell prompt does not follow the answer on the same line.
    response.body = json::serialize(body) + '\n';
    return response;
}

// The standard's view to the library's.
json::string_view as_text(std::string_view value) noexcept {
    return {value.data(), value.size()};
}

// An unknown time is null in JSON.
json::value time_or_null(const std::optional<api_time>& time) {
    return time ? json::value(format_timestamp(*time)) : json::value(nullptr);
}

// The keys are part of the contract. Unknown times are null, never missing, so that clients find the same keys always.
json::object to_json(const session_view& session) {
    return {{"id", as_text(session.id.view())},
            {"status", as_text(to_string(session.status))},
            {"mode", as_text(to_string(session.mode))},
            {"provider", as_text(to_string(session.provider))},
            {"since", format_timestamp(session.since)},
            {"since_not_before", time_or_null(session.since_low)},
            {"created_at", time_or_null(session.created)},
            {"started_at", time_or_null(session.started)},
            {"ended_at", time_or_null(session.ended)},
            {"last_poll", time_or_null(session.last_poll)},
            {"observed", session.observed},
            {"unverified", session.unverified},
            {"failed_polls", session.failures},
            {"not_found", session.not_found},
            {"last_error",
             session.last_error ? json::value(as_text(to_string(*session.last_error)))
                                : json::value(nullptr)}};
}

// The whole text must be a number: `10x` is rejected, not read as 10.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

/// Seconds with or without the unit `s`; up to a year, so that the conversion cannot overflow. NaN fails both bounds.
std::optional<steady_duration> parse_age(std::string_view text) {
    if (text.ends_with('s')) {
        text.remove_suffix(1);
    }
    const auto value = parse_number<double>(text);
    return value && *value >= 0 && *value <= 366.0 * 86400 ? std::optional(from_seconds(*value))
                                                           : std::nullopt;
}

// Not parse_session_status: that one accepts any word as `unknown`, and here a typing error must be an error.
std::optional<session_status> status_of(std::string_view text) {
    for (std::size_t i = 0; i < session_status_count; ++i) {
        const auto status = static_cast<session_status>(i);
        if (to_string(status) == text) {
            return status;
        }
    }
    return std::nullopt;
}

/// The first `max_shown_id_bytes` of the text, cut between two characters of UTF-8.
std::string_view cut(std::string_view text) {
    if (text.size() <= max_shown_id_bytes) {
        return text;
    }
    // Move back over continuation bytes to the start of a character.
    std::size_t size = max_shown_id_bytes;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
        --size;
    }
    return text.substr(0, size);
}

/// SAX reader of `{"ids":[...]}` with at most `max_ids` strings. Any other JSON event is an error that ends the
/// parsing.
class bulk_reader : public ignore_json {
public:
    explicit bulk_reader(std::size_t max_ids) : max_ids_(max_ids) {}

    // Each structural event is allowed in exactly one state.
    bool on_object_begin(error_code& error) { return step(error, place::start, place::object); }

    bool on_object_end(std::size_t, error_code& error) {
        return step(error, place::behind_ids, place::end);
    }

    bool on_array_begin(error_code& error) { return step(error, place::at_ids, place::ids); }

    bool on_array_end(std::size_t, error_code& error) {
        return step(error, place::ids, place::behind_ids);
    }

    bool on_key_part(text part, std::size_t, error_code&) { return append(part); }

    bool on_key(text part, std::size_t, error_code& error) {
        append(part);
        // A second member `ids` is an error too: the state is no longer `object` then.
        // Emptied for the strings that follow.
        return std::exchange(text_, {}) == "ids" ? step(error, place::object, place::at_ids)
                                                 : fail(error);
    }

    bool on_string_part(text part, std::size_t, error_code&) { return append(part); }

    bool on_string(text part, std::size_t, error_code& error) {
        append(part);
        // A string outside the list, or one id too many.
        if (place_ != place::ids || request.ids.size() + request.rejected.size() == max_ids_) {
            return fail(error);
        }
        // An invalid id is part of the answer and does not affect the others.
        if (const auto id = session_id::parse(text_)) {
            request.ids.push_back(*id);
        } else {
            // Shortened, because the answer to 10,000 long texts must not be as large as the request.
            request.rejected.push_back({std::string(cut(text_)), "invalid_id"});
        }
        text_.clear();
        return true;
    }

    // Ids are strings; any other value in the list is an error.
    bool on_int64(std::int64_t, text, error_code& error) { return fail(error); }

    bool on_uint64(std::uint64_t, text, error_code& error) { return fail(error); }

    bool on_double(double, text, error_code& error) { return fail(error); }

    bool on_bool(bool, error_code& error) { return fail(error); }

    bool on_null(error_code& error) { return fail(error); }

    bulk_request request;

private:
    enum class place : std::uint8_t {
        start,      ///< before the object
        object,     ///< inside the object, before its only key
        at_ids,     ///< after the key `ids`, before its list
        ids,        ///< inside the list
        behind_ids, ///< after the list, before the end of the object
        end         ///< after the object
    };

    /// Moves to the next state if the event is the one that the current state allows.
    bool step(error_code& error, place from, place to) {
        if (place_ != from) {
            return fail(error);
        }
        place_ = to;
        return true;
    }

    static bool fail(error_code& error) {
        error = errc::malformed_json;
        return false;
    }

    /// The parser delivers a long string in several parts.
    bool append(text part) {
        // Bounded by the limit of the body, which the server has checked.
        text_.append(part.data(), part.size());
        return true;
    }

    std::size_t max_ids_;
    place place_ = place::start;
    std::string text_; ///< the key or string being parsed, as far as it has arrived
};

/// Puts one parameter into the query; false if it is unknown or its value is invalid.
bool take_parameter(session_query& query,
                    std::string_view name,
                    std::string_view value,
                    std::size_t max_limit) {
    if (value.empty()) {
        // HTML forms send fields that were left empty: the same as no parameter, if the name is known.
        return name == "status" || name == "older_than" || name == "limit" || name == "after";
    }
    // An invalid value is an error, not ignored: a filter without effect would list too much.
    if (name == "status") {
        query.status = status_of(value);
        return query.status.has_value();
    }
    if (name == "older_than") {
        const auto age = parse_age(value);
        // A value beside an error is never used: `false` ends the request.
        query.older_than = age.value_or(steady_duration::zero());
        return age.has_value();
    }
    if (name == "limit") {
        query.limit = parse_number<std::size_t>(value).value_or(0);
        return query.limit >= 1 && query.limit <= max_limit;
    }
    // The intake checks the cursor itself; here only its length is bounded.
    // What is left is `after`, or an unknown name, for which `false` ends the request.
    query.after = value;
    return name == "after" && value.size() <= 64;
}

/// The same for a query of episodes.
bool take_episode_parameter(episode_query& query,
                            std::string_view name,
                            std::string_view value,
                            std::size_t max_limit) {
    if (value.empty()) {
        return name == "open" || name == "since" || name == "limit" || name == "after";
    }
    if (name == "open") {
        query.open = value == "true";
        return value == "true" || value == "false";
    }
    if (name == "since") {
        query.since = parse_timestamp(value);
        return query.since.has_value();
    }
    if (name == "limit") {
        query.limit = parse_number<std::size_t>(value).value_or(0);
        return query.limit >= 1 && query.limit <= max_limit;
    }
    // As above: `after`, or an unknown name.
    query.after = parse_number<episode_number>(value);
    return name == "after" && query.after.has_value();
}

/// Passes each parameter of a query string to `take`. False if one is malformed, repeated, or refused by `take`.
template <class Take>
bool take_each(std::string_view text, Take take) {
    // No percent-decoding: no valid value of any parameter needs it.
    std::vector<std::string_view> seen;
    while (!text.empty()) {
        const std::string_view parameter = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), parameter.size() + 1));
        // `limit` without a value is a typing error, in contrast to `limit=`.
        const std::size_t equals = parameter.find('=');
        if (equals == std::string_view::npos) {
            return false;
        }
        // Compared as it was sent: `%6cimit` is an unknown parameter.
        const std::string_view name = parameter.substr(0, equals);
        // Which of two different values counts would be a guess.
        const bool again = std::find(seen.begin(), seen.end(), name) != seen.end();
        seen.push_back(name);
        if (again || !take(name, parameter.substr(equals + 1))) {
            return false;
        }
    }
    return true;
}

json::object to_json(const episode_view& episode) {
    return {{"id", as_text(episode.id.view())},
            {"number", episode.number},
            {"status", as_text(to_string(episode.status))},
            {"threshold_seconds", std::chrono::duration<double>(episode.threshold).count()},
            {"from", format_timestamp(episode.since)},
            {"from_not_before", time_or_null(episode.since_low)},
            {"confirmed", format_timestamp(episode.confirmed)},
            {"to", time_or_null(episode.until)},
            {"to_not_before", time_or_null(episode.until_low)},
            {"outcome", as_text(to_string(episode.outcome))},
            {"mode", as_text(to_string(episode.mode))},
            {"provider", as_text(to_string(episode.provider))}};
}

} // namespace

http_response make_session_answer(int status, const session_view& session) {
    return make_json(status, to_json(session));
}

// `next` is null on the last page, so a client can loop until it is.
http_response make_page_answer(const session_page& page) {
    json::array sessions;
    sessions.reserve(page.sessions.size());
    for (const session_view& session : page.sessions) {
        sessions.emplace_back(to_json(session));
    }
    json::object body;
    body["sessions"] = std::move(sessions);
    body["next"] = page.next.empty() ? json::value(nullptr) : json::value(page.next);
    return make_json(200, body);
}

http_response make_episodes_answer(const episode_page& page) {
    json::array episodes;
    episodes.reserve(page.episodes.size());
    for (const episode_view& episode : page.episodes) {
        episodes.emplace_back(to_json(episode));
    }
    json::object body;
    body["episodes"] = std::move(episodes);
    body["next"] = page.next ? json::value(*page.next) : json::value(nullptr);
    body["dropped"] = page.dropped;
    return make_json(200, body);
}

// The form of the contract: a code for programs, a message for people.
http_response make_error_answer(int status, std::string_view code, std::string_view message) {
    json::object error;
    error["code"] = as_text(code);
    error["message"] = as_text(message);
    json::object body;
    body["error"] = std::move(error);
    return make_json(status, body);
}

http_response make_bulk_answer(std::size_t added,
                               std::size_t known,
                               const std::vector<rejected_id>& rejected) {
    // In the order of the request for invalid ids; those over the limit follow.
    json::array list;
    for (const rejected_id& each : rejected) {
        json::object entry;
        entry["id"] = each.id;
        entry["reason"] = as_text(each.reason);
        list.emplace_back(std::move(entry));
    }
    json::object body;
    body["added"] = added;
    body["known"] = known;
    body["rejected"] = std::move(list);
    return make_json(200, body);
}

std::optional<bulk_request> parse_bulk(std::string_view body, std::size_t max_ids) {
    json::basic_parser<bulk_reader> parser(strict_json(), max_ids);
    error_code problem;
    // `false`: the body is complete. Text after the object is an error, because then not all of it is consumed.
    const std::size_t taken = parser.write_some(false, body.data(), body.size(), problem);
    if (problem || taken != body.size()) {
        return std::nullopt;
    }
    return std::move(parser.handler().request);
}

std::optional<session_query> parse_query(std::string_view text, std::size_t max_limit) {
    session_query query;
    const bool good = take_each(text, [&](std::string_view name, std::string_view value) {
        return take_parameter(query, name, value, max_limit);
    });
    return good ? std::optional(std::move(query)) : std::nullopt;
}

std::optional<episode_query> parse_episode_query(std::string_view text, std::size_t max_limit) {
    episode_query query;
    const bool good = take_each(text, [&](std::string_view name, std::string_view value) {
        return take_episode_parameter(query, name, value, max_limit);
    });
    return good ? std::optional(std::move(query)) : std::nullopt;
}

} // namespace kallglot

#include "kallglot/config/schema.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace kallglot::config {

namespace {

using namespace std::chrono_literals;

constexpr auto day = std::chrono::hours(24);
constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// The function that follows pointers to members from the settings to a value.
template <auto... Path>
constexpr auto at = [](settings& all) -> auto& {
    return (all.*....*Path);
};

constexpr change_effect reload = change_effect::reload;
constexpr change_effect restart = change_effect::restart;

constexpr std::array keys = {
    key_spec{"api.base_url",
             base_url_value{at<&settings::api, &api_settings::base_url>},
             reload,
             "Where the API is. https:// always; http:// only with `api.allow_plaintext` and a "
             "loopback host."},
    key_spec{"api.allow_plaintext",
             flag_value{at<&settings::api, &api_settings::allow_plaintext>},
             reload,
             "Allows an http:// base URL if its host is loopback (localhost, 127.0.0.0/8, ::1), "
             "for rehearsals."},
    key_spec{"api.key_file",
             file_value{at<&settings::api, &api_settings::key_file>, true},
             reload,
             "File that holds the API key. The only key without a default. It is read again when "
             "the file changes."},
    key_spec{"api.ca_file",
             file_value{at<&settings::api, &api_settings::ca_file>, false},
             reload,
             "PEM file with the certificate authorities to trust for the API; empty: the trust "
             "store of the system."},
    key_spec{"api.client_cert_file",
             file_value{at<&settings::api, &api_settings::client_cert_file>, false},
             reload,
             "PEM certificate (with its chain) that the daemon shows to the API, for mutual TLS."},
    key_spec{"api.client_key_file",
             file_value{at<&settings::api, &api_settings::client_key_file>, true},
             reload,
             "PEM private key of `api.client_cert_file`; both or neither."},
    key_spec{"api.proxy_url",
             proxy_value{at<&settings::api, &api_settings::proxy_url>},
             reload,
             "HTTP proxy to tunnel through (CONNECT), written http://host:port; with http:// in "
             "api.base_url only one on this host. Proxy variables of the environment are not "
             "looked at."},
    key_spec{"api.connect_timeout",
             duration_value{at<&settings::api, &api_settings::connect_timeout>, 10ms, 10min},
             reload,
             "Longest time to open a connection, TCP and TLS together."},
    key_spec{"api.request_timeout",
             duration_value{at<&settings::api, &api_settings::request_timeout>, 10ms, 10min},
             reload,
             "Longest time of one GET, from the first byte written to the last byte read."},
    key_spec{"api.idle_timeout",
             duration_value{at<&settings::api, &api_settings::idle_timeout>, 10ms, 1h},
             reload,
             "An unused connection is closed after this time."},
    key_spec{"api.max_connections",
             count_value{at<&settings::api, &api_settings::max_connections>, 1, 65535},
             reload,
             "Most connections to the API at once, one request each; fewer where descriptors are "
             "short."},
    key_spec{"api.max_response_size",
             size_value{at<&settings::api, &api_settings::max_response_size_bytes>, kib, 16 * mib},
             reload,
             "A longer answer is given up."},
    key_spec{"api.rate_limit",
             rate_limit_value{at<&settings::api, &api_settings::rate_limit>},
             reload,
             "auto follows the X-RateLimit headers of the API; a fixed rate such as 600/1m is all "
             "ours, whatever the "
             "headers say; unlimited means that the account has no limit. `api.max_rate` holds in "
             "any case."},
    key_spec{"api.max_rate",
             rate_value{at<&settings::api, &api_settings::max_rate>},
             reload,
             "Never more requests than this, whatever the headers say; or unlimited."},
    key_spec{"api.budget_share",
             percent_value{at<&settings::api, &api_settings::budget_share>, 0.01, 1.0},
             reload,
             "Part of the account's limit that may be spent when `api.rate_limit` is auto; the "
             "rest is left to the "
             "operator's own calls."},
    key_spec{"api.idle_probe",
             duration_value{at<&settings::api, &api_settings::idle_probe>, 0ms, day},
             reload,
             "With nothing to poll, ask this often for an id that cannot exist: 404 proves that "
             "the key works. "
             "0s: never."},
    key_spec{
        "poll.intervals.created",
        duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::created>,
                       10ms,
                       day},
        reload,
        "Time between two polls of a session in `created`."},
    key_spec{
        "poll.intervals.connecting",
        duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::connecting>,
                       10ms,
                       day},
        reload,
        "Time between two polls of a session in `connecting`."},
    key_spec{"poll.intervals.active",
             duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::active>,
                            10ms,
                            day},
             reload,
             "Time between two polls of a session in `active`."},
    key_spec{"poll.intervals.ending",
             duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::ending>,
                            10ms,
                            day},
             reload,
             "Time between two polls of a session in `ending`."},
    key_spec{
        "poll.intervals.unknown",
        duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::unknown>,
                       10ms,
                       day},
        reload,
        "Time between two polls of a session whose status is not known."},
    key_spec{"poll.intervals.audit",
             duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::audit>,
                            10ms,
                            day},
             reload,
             "Time between two polls of a session whose state webhooks tell reliably."},
    key_spec{"poll.ended_retention",
             duration_value{at<&settings::poll, &poll_settings::ended_retention>, 0ms, 30 * day},
             reload,
             "How long an ended session stays visible."},
    key_spec{"poll.not_found_after",
             duration_value{at<&settings::poll, &poll_settings::not_found_after>, 1s, 30 * day},
             reload,
             "A session that answers nothing but 404 for this long (three answers at least) is "
             "forgotten."},
    key_spec{"poll.unknown_after",
             duration_value{at<&settings::poll, &poll_settings::unknown_after>, 1s, 365 * day},
             reload,
             "A session whose status is not known and has not changed for this long is forgotten."},
    key_spec{"thresholds.created",
             duration_list_value{at<&settings::thresholds, &threshold_settings::created>,
                                 10ms,
                                 30 * day},
             reload,
             "Ages in `created` that alerts may use; crossing one triggers a confirming poll."},
    key_spec{"thresholds.connecting",
             duration_list_value{at<&settings::thresholds, &threshold_settings::connecting>,
                                 10ms,
                                 30 * day},
             reload,
             "Ages in `connecting` that alerts may use."},
    key_spec{
        "thresholds.active",
        duration_list_value{at<&settings::thresholds, &threshold_settings::active>, 10ms, 30 * day},
        reload,
        "Ages in `active` that alerts may use."},
    key_spec{
        "thresholds.ending",
        duration_list_value{at<&settings::thresholds, &threshold_settings::ending>, 10ms, 30 * day},
        reload,
        "Ages in `ending` that alerts may use."},
    key_spec{"thresholds.not_started",
             duration_list_value{at<&settings::thresholds, &threshold_settings::not_started>,
                                 10ms,
                                 30 * day},
             reload,
             "Ages since creation, without having started, that alerts may use."},
    key_spec{"sessions.files",
             file_list_value{at<&settings::sessions, &sessions_settings::files>, false},
             reload,
             "Files (globs) with one session id a line and # comments. They are watched: an added "
             "line is tracked, a "
             "removed one forgotten unless the id also came from elsewhere."},
    key_spec{"sessions.max_tracked",
             count_value{at<&settings::sessions, &sessions_settings::max_tracked>, 1, 10'000'000},
             reload,
             "Most sessions tracked at once; further ones are rejected."},
    key_spec{"sessions.api_token_file",
             file_value{at<&settings::sessions, &sessions_settings::api_token_file>, true},
             reload,
             "File that holds the bearer token of the session API; empty: the session API is off."},
    key_spec{"webhook.listen_address",
             listen_value{at<&settings::webhook, &webhook_settings::listen>},
             restart,
             "Where webhooks are received, such as 0.0.0.0:10456; empty: webhooks are off."},
    key_spec{"webhook.path",
             route_value{at<&settings::webhook, &webhook_settings::path>},
             reload,
             "Path of the URL that webhooks are sent to; nothing else is served there."},
    key_spec{"webhook.secret_files",
             file_list_value{at<&settings::webhook, &webhook_settings::secret_files>, true},
             reload,
             "Files that hold the signing secrets; during a rotation several, and any of them may "
             "match. Required "
             "with `webhook.listen_address`."},
    key_spec{"webhook.tolerance",
             duration_value{at<&settings::webhook, &webhook_settings::tolerance>, 1s, 1h},
             reload,
             "Most that the time of a delivery may differ from ours."},
    key_spec{"webhook.tls.cert_file",
             file_value{at<&settings::webhook, &webhook_settings::tls_cert_file>, false},
             reload,
             "PEM certificate (with its chain) of the webhook listener; without it, TLS ends at a "
             "proxy in front."},
    key_spec{"webhook.tls.key_file",
             file_value{at<&settings::webhook, &webhook_settings::tls_key_file>, true},
             reload,
             "PEM private key of `webhook.tls.cert_file`; both or neither."},
    key_spec{"webhook.max_body_size",
             size_value{at<&settings::webhook, &webhook_settings::max_body_size_bytes>, kib, mib},
             reload,
             "A larger delivery is answered with 413."},
    key_spec{"webhook.max_connections",
             count_value{at<&settings::webhook, &webhook_settings::max_connections>, 1, 65535},
             reload,
             "Most connections of webhook senders at once."},
    key_spec{"store.path",
             store_path_value{at<&settings::store, &store_settings::path>},
             restart,
             "Database of the tracked ids. A relative path starts at $STATE_DIRECTORY, else at the "
             "folder of the "
             "configuration; \":memory:\" keeps nothing, for trials."},
    key_spec{"metrics.per_session_limit",
             count_value{at<&settings::metrics, &metrics_settings::per_session_limit>, 0, 100'000},
             reload,
             "Most sessions with series of their own; 0: none. Ids can be SIP addresses, so keep "
             "the port private."},
    key_spec{"shutdown_grace",
             duration_value{at<&settings::shutdown_grace>, 0ms, 10min},
             reload,
             "Longest time that requests under way get to finish when the daemon is stopped."},
};

// Edits (insert, delete, replace, swap of neighbours) between two short texts, or `limit` if that many are needed.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
    // What differs by more letters in length alone need not be looked at.
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= limit) {
        return limit;
    }
    std::vector<std::size_t> before;
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        // No later row has less than the least of this one.
        if (*std::ranges::min_element(row) >= limit) {
            return limit;
        }
        before = last;
        std::swap(last, row);
    }
    return std::min(last[b.size()], limit);
}

std::string_view leaf_of(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

// Every key, and every section that a key lies in.
std::vector<std::string_view> known_paths() {
    std::vector<std::string_view> paths;
    for (const key_spec& key : keys) {
        for (auto dot = key.path.find('.'); dot != std::string_view::npos;
             dot = key.path.find('.', dot + 1)) {
            const auto section = key.path.substr(0, dot);
            if (std::find(paths.begin(), paths.end(), section) == paths.end()) {
                paths.push_back(section);
            }
        }
        paths.push_back(key.path);
    }
    return paths;
}

} // namespace

std::span<const key_spec> schema() {
    return keys;
}

const key_spec* find_key(std::string_view path) {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const key_spec& key) {
        return key.path == path;
    });
    return found == keys.end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
    return std::any_of(keys.begin(), keys.end(), [&](const key_spec& key) {
        return key.path.size() > path.size() && key.path.starts_with(path)
               && key.path[path.size()] == '.';
    });
}

nearest_key find_nearest_key(std::string_view path) {
    // Longer texts resemble nothing; the bound keeps the table small.
    const auto wanted = path.substr(0, 80);
    const auto wanted_leaf = leaf_of(wanted);
    nearest_key best;
    std::size_t best_distance = static_cast<std::size_t>(-1);
    static const std::vector<std::string_view> candidates = known_paths();
    for (const std::string_view candidate : candidates) {
        const auto consider = [&](std::string_view a, std::string_view b, std::size_t more) {
            if (more >= best_distance) {
                return;
            }
            const std::size_t distance = edit_distance(a, b, best_distance - more) + more;
            if (distance < best_distance) {
                best_distance = distance;
                best.path = std::string(candidate);
            }
        };
        consider(wanted, candidate, 0);
        // A right name in a wrong place is as close as a slip of two letters.
        consider(wanted_leaf, leaf_of(candidate), 2);
    }
    best.close = best_distance <= std::max<std::size_t>(2, wanted_leaf.size() / 3);
    return best;
}

} // namespace kallglot::config

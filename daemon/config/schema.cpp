// The table of keys, and the search for the known key that is most similar to an unknown one.
//
// A row refers to its value by pointers to members, so the compiler checks that the value exists and has the type of
// the row. Help texts are read in config/README.md, config/example.yml and nowhere else; backquotes mark keys there.

#include "config/schema.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace kallglot::config {

namespace {

using namespace std::chrono_literals;

// Units for the ranges below.
constexpr auto day = std::chrono::hours(24);
constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// The accessor of a value: follows pointers to members from the settings, for example &settings::api,
// &api_settings::base_url.
template <auto... Path>
constexpr auto at = [](settings& all) -> auto& {
    return (all.*....*Path);
};

// Short names, so that a row stays readable.
constexpr change_effect reload = change_effect::reload;
constexpr change_effect restart = change_effect::restart;

constexpr std::array keys = {
    // The order of rows is that of the documents, and keys of a section stand together. A range keeps out what cannot
    // be meant or what breaks arithmetic; it does not judge whether a value is wise.
    key_spec{"api.base_url",
             base_url_value{at<&settings::api, &api_settings::base_url>},
             reload,
             "Base URL of the API. It must begin with https://. http:// is allowed only with "
             "`api.allow_plaintext` and a loopback host."},
    key_spec{"api.allow_plaintext",
             flag_value{at<&settings::api, &api_settings::allow_plaintext>},
             reload,
             "Allows an http:// base URL if its host is loopback (localhost, 127.0.0.0/8, ::1). "
             "For tests and demos."},
    key_spec{"api.key_file",
             file_value{at<&settings::api, &api_settings::key_file>, true},
             reload,
             "File with the API key. The only key without a default. The daemon reloads the file "
             "when it changes."},
    key_spec{"api.ca_file",
             file_value{at<&settings::api, &api_settings::ca_file>, false},
             reload,
             "PEM file with the certificate authorities to trust for the API. Empty: the trust "
             "store of the system."},
    key_spec{"api.client_cert_file",
             file_value{at<&settings::api, &api_settings::client_cert_file>, false},
             reload,
             "PEM client certificate (with its chain) for mutual TLS with the API."},
    key_spec{"api.client_key_file",
             file_value{at<&settings::api, &api_settings::client_key_file>, true},
             reload,
             "PEM private key of `api.client_cert_file`. Set both or neither."},
    key_spec{"api.proxy_url",
             proxy_value{at<&settings::api, &api_settings::proxy_url>},
             reload,
             "HTTP proxy for connections to the API (CONNECT), in the form http://host:port. If "
             "api.base_url is http://, the proxy must be on this host. Proxy variables of the "
             "environment are ignored."},
    key_spec{"api.proxy_user",
             user_name_value{at<&settings::api, &api_settings::proxy_user>},
             reload,
             "User name for the proxy (Basic). Requires `api.proxy_password_file`."},
    key_spec{"api.proxy_password_file",
             file_value{at<&settings::api, &api_settings::proxy_password_file>, true},
             reload,
             "File with the password of `api.proxy_user`. Set both or neither."},
    key_spec{"api.http_version",
             http_version_value{at<&settings::api, &api_settings::http_version>},
             reload,
             "Version of HTTP. With auto, HTTP/2 if the API agrees to it during the TLS handshake, "
             "otherwise HTTP/1.1. With 2, an API without HTTP/2 is an error. An http:// base URL "
             "always uses HTTP/1.1."},
    key_spec{"api.connect_timeout",
             // Within less than 10 ms no handshake over a network ends.
             duration_value{at<&settings::api, &api_settings::connect_timeout>, 10ms, 10min},
             reload,
             "Maximum time to open a connection: TCP, TLS and the settings of HTTP/2 together."},
    key_spec{"api.request_timeout",
             duration_value{at<&settings::api, &api_settings::request_timeout>, 10ms, 10min},
             reload,
             "Maximum time of one GET, from the first byte written to the last byte read."},
    key_spec{"api.idle_timeout",
             duration_value{at<&settings::api, &api_settings::idle_timeout>, 10ms, 1h},
             reload,
             "Idle connections are closed after this time."},
    key_spec{"api.max_requests_in_flight",
             // No more connections than ports of one local address.
             count_value{at<&settings::api, &api_settings::max_requests_in_flight>, 1, 65535},
             reload,
             "Maximum number of requests at a time, with either version of HTTP. HTTP/1.1 also "
             "needs a connection for each of them."},
    key_spec{"api.max_connections",
             count_value{at<&settings::api, &api_settings::max_connections>, 1, 65535},
             reload,
             "Maximum number of connections to the API. With HTTP/1.1 each carries one request "
             "at a time. Reduced if the process has too few file descriptors."},
    key_spec{"api.max_streams_per_connection",
             count_value{at<&settings::api, &api_settings::max_streams_per_connection>, 1, 1000},
             reload,
             "Maximum number of requests at a time on one HTTP/2 connection. The API may allow "
             "fewer. A low value limits what one lost packet delays."},
    key_spec{
        "api.max_response_size",
        // A session has a few kilobytes. The bound limits what a broken proxy can make the daemon read.
        size_value{at<&settings::api, &api_settings::max_response_size_bytes>, kib, 16 * mib},
        reload,
        "Larger responses are rejected."},
    key_spec{"api.rate_limit",
             rate_limit_value{at<&settings::api, &api_settings::rate_limit>},
             reload,
             "With auto, the exporter follows the X-RateLimit headers of the API. A fixed rate, "
             "for example 600/1m, is used in full, whatever the headers say. Use unlimited if "
             "the account has no limit. `api.max_rate` applies in every case."},
    key_spec{"api.max_rate",
             rate_value{at<&settings::api, &api_settings::max_rate>},
             reload,
             "Maximum request rate, whatever the headers say; or unlimited."},
    key_spec{"api.budget_share",
             // Not 0: then no session would be polled, and nothing would say why.
             percent_value{at<&settings::api, &api_settings::budget_share>, 0.01, 1.0},
             reload,
             "Share of the account's limit that the exporter may use when `api.rate_limit` is "
             "auto. The rest is left to the operator's own calls."},
    key_spec{"api.idle_probe",
             duration_value{at<&settings::api, &api_settings::idle_probe>, 0ms, day},
             reload,
             "How often to request an id that cannot exist while there is nothing to poll. A 404 "
             "proves that the key works. 0s: never."},
    key_spec{
        // Below 10 ms the answer to a poll is not back when the next one is due.
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
        "Time between two polls of a session whose status is unknown."},
    key_spec{"poll.intervals.audit",
             duration_value{at<&settings::poll, &poll_settings::intervals, &poll_intervals::audit>,
                            10ms,
                            day},
             reload,
             "Time between two polls of a session whose status webhooks report reliably."},
    key_spec{"poll.ended_retention",
             // 0: an ended session leaves the table with its final poll.
             duration_value{at<&settings::poll, &poll_settings::ended_retention>, 0ms, 30 * day},
             reload,
             "How long an ended session stays visible."},
    key_spec{"poll.not_found_after",
             duration_value{at<&settings::poll, &poll_settings::not_found_after>, 1s, 30 * day},
             reload,
             "A session is forgotten after it has answered only 404 for this long, at least "
             "three times. While more than half of 20 or more sessions answer 404, the daemon "
             "assumes an outage and waits for up to 1d."},
    key_spec{"poll.unknown_after",
             duration_value{at<&settings::poll, &poll_settings::unknown_after>, 1s, 365 * day},
             reload,
             "A session is forgotten after its status has been unknown and unchanged for this "
             "long."},
    // A list may be empty: then the status has no alerts of its own, and its sessions cause no confirming polls.
    key_spec{"thresholds.created",
             duration_list_value{at<&settings::thresholds, &threshold_settings::created>,
                                 10ms,
                                 30 * day},
             reload,
             "Ages in `created` that alerts can use. When a session crosses one, a confirming "
             "poll is sent."},
    key_spec{"thresholds.connecting",
             duration_list_value{at<&settings::thresholds, &threshold_settings::connecting>,
                                 10ms,
                                 30 * day},
             reload,
             "Ages in `connecting` that alerts can use."},
    key_spec{
        "thresholds.active",
        duration_list_value{at<&settings::thresholds, &threshold_settings::active>, 10ms, 30 * day},
        reload,
        "Ages in `active` that alerts can use."},
    key_spec{
        "thresholds.ending",
        duration_list_value{at<&settings::thresholds, &threshold_settings::ending>, 10ms, 30 * day},
        reload,
        "Ages in `ending` that alerts can use."},
    key_spec{"thresholds.not_started",
             duration_list_value{at<&settings::thresholds, &threshold_settings::not_started>,
                                 10ms,
                                 30 * day},
             reload,
             "Times since creation without a start that alerts can use."},
    key_spec{
        // One age each, and no list: an episode is stuck or not.
        "episodes.thresholds.created",
        duration_value{
            at<&settings::thresholds, &threshold_settings::episodes, &episode_thresholds::created>,
            10ms,
            30 * day},
        reload,
        "Age in `created` from which a stay is a stuck episode, once a poll has confirmed it. "
        "The default is the age of the shipped alert."},
    key_spec{"episodes.thresholds.connecting",
             duration_value{at<&settings::thresholds,
                               &threshold_settings::episodes,
                               &episode_thresholds::connecting>,
                            10ms,
                            30 * day},
             reload,
             "Age in `connecting` from which a stay is a stuck episode."},
    key_spec{
        "episodes.thresholds.ending",
        duration_value{
            at<&settings::thresholds, &threshold_settings::episodes, &episode_thresholds::ending>,
            10ms,
            30 * day},
        reload,
        "Age in `ending` from which a stay is a stuck episode."},
    key_spec{
        "sessions.files",
        file_list_value{at<&settings::sessions, &sessions_settings::files>, false},
        reload,
        "Files with one session id a line and # comments; globs are allowed. The daemon "
        "watches them: it tracks the id of an added line. It forgets the id of a line that was "
        "removed 30 seconds ago, and all ids of a file that has been missing or without ids for "
        "10 minutes, unless an id also has another source."},
    key_spec{
        "sessions.max_tracked",
        // Ten million sessions take 1.3 GB. The index is reserved at the start, so the bound is also one of
        // address space.
        count_value{at<&settings::sessions, &sessions_settings::max_tracked>, 1, 10'000'000},
        reload,
        "Maximum number of tracked sessions. Further ids are rejected."},
    key_spec{"sessions.api_token_file",
             file_value{at<&settings::sessions, &sessions_settings::api_token_file>, true},
             reload,
             "File with the bearer token of the session API. Empty: the session API is disabled."},
    key_spec{"webhook.listen_address",
             // A restart: the socket, its routes and its metrics exist for the life of the daemon.
             listen_value{at<&settings::webhook, &webhook_settings::listen>},
             restart,
             "Listen address for webhooks, for example 0.0.0.0:10456. Empty: webhooks are "
             "disabled."},
    key_spec{"webhook.path",
             route_value{at<&settings::webhook, &webhook_settings::path>},
             reload,
             "URL path for webhooks. The listener serves no other path."},
    key_spec{"webhook.secret_files",
             file_list_value{at<&settings::webhook, &webhook_settings::secret_files>, true},
             reload,
             "Files with the signing secrets. During a rotation list several: any of them may "
             "match. Required with `webhook.listen_address`."},
    key_spec{
        "webhook.tolerance",
        // Within this time a captured delivery can be sent again. Ids of events are remembered for longer, so it
        // has no effect.
        duration_value{at<&settings::webhook, &webhook_settings::tolerance>, 1s, 1h},
        reload,
        "Maximum difference between the timestamp of a delivery and the clock of this "
        "machine."},
    key_spec{"webhook.tls.cert_file",
             file_value{at<&settings::webhook, &webhook_settings::tls_cert_file>, false},
             reload,
             "PEM certificate (with its chain) of the webhook listener. Without it, a proxy in "
             "front must terminate TLS."},
    key_spec{"webhook.tls.key_file",
             file_value{at<&settings::webhook, &webhook_settings::tls_key_file>, true},
             reload,
             "PEM private key of `webhook.tls.cert_file`. Set both or neither."},
    key_spec{"webhook.max_body_size",
             // All bodies together share 16 MiB, whatever the limit of one is.
             size_value{at<&settings::webhook, &webhook_settings::max_body_size_bytes>, kib, mib},
             reload,
             "Larger deliveries are rejected with 413."},
    key_spec{"webhook.max_connections",
             count_value{at<&settings::webhook, &webhook_settings::max_connections>, 1, 65535},
             reload,
             "Maximum number of connections to the webhook listener."},
    key_spec{"store.path",
             // A restart: the file is locked, and its content is the table that is in memory.
             store_path_value{at<&settings::store, &store_settings::path>},
             restart,
             "Database of the tracked ids. A relative path starts at $STATE_DIRECTORY, or else "
             "at the folder of the configuration. \":memory:\" stores nothing on disk, for "
             "trials."},
    key_spec{"metrics.per_session_limit",
             // Each session has several series. More would make scrapes slow and Prometheus large.
             count_value{at<&settings::metrics, &metrics_settings::per_session_limit>, 0, 100'000},
             reload,
             "Maximum number of sessions with series of their own. 0: none. Ids can be SIP "
             "addresses, so keep the port private."},
    key_spec{"shutdown_grace",
             duration_value{at<&settings::shutdown_grace>, 0ms, 10min},
             reload,
             "Maximum time for requests in flight to finish when the daemon stops."},
};

// Edits (insert, delete, replace, swap of neighbours) between two short texts, or `limit` if that many are needed:
// Damerau-Levenshtein in its restricted form, with three rows of the table in memory.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
    // The difference in length is a lower bound of the distance.
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= limit) {
        return limit;
    }
    // Rows of the table: two back (for swaps), one back, and the current one.
    std::vector<std::size_t> before;
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            // Delete, insert or replace one letter ...
            // `i` and `j` are lengths of beginnings, so the letters that are compared last are one before.
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            // ... or swap two neighbours, the most common slip of all.
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        // No later row has less than the minimum of this one.
        if (*std::ranges::min_element(row) >= limit) {
            return limit;
        }
        // The oldest row goes. `row` gets its memory and is written in the next turn.
        before = last;
        std::swap(last, row);
    }
    return std::min(last[b.size()], limit);
}

// The last part of a path: `max_rate` of `api.max_rate`.
std::string_view leaf_of(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

// Every key and every section: a misspelt section deserves a hint too.
std::vector<std::string_view> known_paths() {
    std::vector<std::string_view> paths;
    for (const key_spec& key : keys) {
        // `poll.intervals.created` is in two sections, `poll` and `poll.intervals`.
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
    // A linear search: the table has a few dozen rows, and a file is read once.
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const key_spec& key) {
        return key.path == path;
    });
    return found == keys.end() ? nullptr : &*found;
}

// A section has no row of its own: it exists if a key lies in it.
bool is_section(std::string_view path) {
    return std::any_of(keys.begin(), keys.end(), [&](const key_spec& key) {
        return key.path.size() > path.size() && key.path.starts_with(path)
               && key.path[path.size()] == '.';
    });
}

nearest_key find_nearest_key(std::string_view path) {
    // Longer texts are similar to no key; the bound limits the cost of the search.
    const auto unknown = path.substr(0, 80);
    const auto unknown_leaf = leaf_of(unknown);
    nearest_key best;
    std::size_t best_distance = static_cast<std::size_t>(-1);
    // Built once: an unknown key is rare, but a bad file has many.
    static const std::vector<std::string_view> candidates = known_paths();
    for (const std::string_view candidate : candidates) {
        const auto consider = [&](std::string_view a, std::string_view b, std::size_t more) {
            // Candidates that cannot win are skipped, and the search below stops as early as it can.
            if (more >= best_distance) {
                return;
            }
            // No overflow: `more` is below best_distance here, which begins at the largest number.
            const std::size_t distance = edit_distance(a, b, best_distance - more) + more;
            if (distance < best_distance) {
                best_distance = distance;
                best.path = std::string(candidate);
            }
        };
        consider(unknown, candidate, 0);
        // A correct name in the wrong section counts as a distance of two.
        consider(unknown_leaf, leaf_of(candidate), 2);
    }
    // Only a third of the letters may differ, otherwise "did you mean" would be a guess.
    best.close = best_distance <= std::max<std::size_t>(2, unknown_leaf.size() / 3);
    return best;
}

} // namespace kallglot::config

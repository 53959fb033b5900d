// Every series with a fixed set of label values is created in the constructor, at 0: a counter that appears with its
// first event would hide that event from rate(). Counting itself only follows stored pointers.

#include "kallglot/metrics/daemon_metrics.hpp"

#include <algorithm>
#include <string>

namespace kallglot {

namespace {

// Status codes with a series of their own, in ascending order. Any other code counts as `other`, so that an unusual API
// adds no series.
constexpr std::array<int, 18> known_code_list =
    {200, 301, 302, 307, 308, 400, 401, 402, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504};

// Transitions whose series exist from the start: forward, and to and from `unknown`.
[[nodiscard]] constexpr bool is_legal(session_status from, session_status to) noexcept {
    // Any status can be unknown for a while, in both directions.
    const bool with_unknown = from == session_status::unknown || to == session_status::unknown;
    return from != to && (with_unknown || from < to);
}

} // namespace

daemon_metrics::daemon_metrics(const build_details& build)
    : build_(build),
      regressions_(table_.counter(metric::session_regressions)),
      imprecise_(table_.counter(metric::session_imprecise_transitions)),
      setup_(table_.histogram(metric::session_setup, dwell_buckets)),
      ended_duration_(table_.histogram(metric::ended_session_duration, call_buckets)),
      ended_without_start_(table_.counter(metric::sessions_ended_without_start)),
      unknown_status_(table_.counter(metric::unknown_status)),
      requests_(table_.counter(metric::api_requests)),
      request_duration_(table_.histogram(metric::api_request_duration, delay_buckets)),
      poll_lateness_(table_.histogram(metric::poll_lateness, delay_buckets)) {
    add_session_metrics();
    add_request_metrics();
    add_intake_metrics();
}

// Transitions, stays by status, and reasons of an end.
void daemon_metrics::add_session_metrics() {
    for (const auto& from : session_status_words) {
        for (const auto& to : session_status_words) {
            for (const auto& source : change_source_words) {
                if (is_legal(from.value, to.value)) {
                    transition_counter(from.value, to.value, source.value);
                }
            }
        }
    }
    for (const auto& status : session_status_words) {
        dwell_[static_cast<std::size_t>(status.value)] =
            &table_.histogram(metric::session_status_dwell, dwell_buckets, {status.text});
    }
    table_.fill(ended_, metric::sessions_ended, end_reason_words);
    add_episode_metrics();
}

// Only the statuses that have episodes, and only outcomes of episodes that are over.
void daemon_metrics::add_episode_metrics() {
    for (const status_rules& rules : session_status_rules) {
        if (rules.episode == nullptr) {
            continue;
        }
        const auto status = static_cast<std::size_t>(rules.status);
        for (const auto& outcome : episode_outcome_words) {
            if (outcome.value != episode_outcome::open) {
                episodes_[status][static_cast<std::size_t>(outcome.value)] =
                    &table_.counter(metric::stuck_episodes,
                                    {to_string(rules.status), outcome.text});
            }
        }
        episode_duration_[status] = &table_.histogram(metric::stuck_episode_duration,
                                                      call_buckets,
                                                      {to_string(rules.status)});
    }
}

// Responses by code, failures by reason, polls by class.
void daemon_metrics::add_request_metrics() {
    // The header cannot see the list, so the size is repeated there.
    static_assert(known_codes == known_code_list.size());
    for (std::size_t i = 0; i < known_codes; ++i) {
        responses_[i] =
            &table_.counter(metric::api_responses, {std::to_string(known_code_list[i])});
    }
    responses_[known_codes] = &table_.counter(metric::api_responses, {"other"});
    // The words are the label values, so a new word has a series at once.
    table_.fill(failures_, metric::api_request_failures, failure_reason_words);
    table_.fill(polls_, metric::polls, poll_class_words);
    table_.fill(polls_late_, metric::polls_late, poll_class_words);
}

// Added, rejected and forgotten sessions; log messages by level; refused logins.
void daemon_metrics::add_intake_metrics() {
    table_.fill(added_, metric::sessions_added, session_source_words);
    table_.fill(rejected_, metric::sessions_rejected, reject_reason_words);
    table_.fill(forgotten_, metric::sessions_forgotten, forget_reason_words);
    table_.fill(log_messages_, metric::log_messages, log_level_words);
    // Webhooks have no logins: their signatures are counted with their requests.
    for (const auto& reason : login_refusal_words) {
        refused_logins_[static_cast<std::size_t>(reason.value)] =
            &table_.counter(metric::refused_logins, {"private", reason.text});
    }
}

prometheus::Counter& daemon_metrics::transition_counter(session_status from,
                                                        session_status to,
                                                        change_source source) {
    // Transitions outside the legal edges get their series when they first happen.
    counter*& slot = transitions_[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)]
                                 [static_cast<std::size_t>(source)];
    if (slot == nullptr) {
        slot =
            &table_.counter(metric::session_transitions,
                            {to_string(from), to_string(to), change_source_words.text_of(source)});
    }
    return *slot;
}

void daemon_metrics::transition(const status_change& change,
                                change_source source,
                                const session_id& id,
                                api_time now) {
    transition_counter(change.from, change.to, source).Increment();
    // A regression is a transition too, so it counts in both.
    if (change.backwards) {
        regressions_.Increment();
    }
    // Without a known length of the stay the histogram would be wrong; it is counted as imprecise.
    if (!change.dwell) {
        imprecise_.Increment();
        return;
    }
    const double stay = to_seconds(*change.dwell);
    // The stay belongs to the status that the session left.
    const auto left = static_cast<std::size_t>(change.from);
    dwell_[left]->Observe(stay);
    dwell_exemplars_[left].note(stay, id, now);
}

void daemon_metrics::setup(steady_duration created_to_started, const session_id& id, api_time now) {
    setup_.Observe(to_seconds(created_to_started));
    setup_exemplars_.note(to_seconds(created_to_started), id, now);
}

void daemon_metrics::episode_ended(const stuck_episode& episode) {
    // The status in which the session was stuck, not the one it has now.
    const auto status = static_cast<std::size_t>(episode.status);
    at(episodes_[status], episode.outcome).Increment();
    episode_duration_[status]->Observe(to_seconds(episode.until - episode.since));
}

void daemon_metrics::response(int http_status, steady_duration first_to_last_byte) {
    // The list is sorted; the last counter is `other`.
    const auto found = std::ranges::lower_bound(known_code_list, http_status);
    const bool known = found != known_code_list.end() && *found == http_status;
    const auto index = static_cast<std::size_t>(found - known_code_list.begin());
    responses_[known ? index : known_codes]->Increment();
    request_duration_.Observe(to_seconds(first_to_last_byte));
}

void daemon_metrics::poll(poll_class which, steady_duration lateness, bool late) {
    at(polls_, which).Increment();
    // The caller decides what late means for the class (is_late).
    if (late) {
        at(polls_late_, which).Increment();
    }
    // Only these classes are promised at a certain moment; the others may be stretched.
    if (which == poll_class::confirm || which == poll_class::event) {
        poll_lateness_.Observe(to_seconds(lateness));
    }
}

std::span<const exemplar> daemon_metrics::exemplars(const metric_info& family,
                                                    std::span<const label_ref> labels) const {
    // Exemplars lie beside the two histograms that are about single sessions; rows of the table are compared by
    // address.
    if (&family == &describe(metric::session_setup)) {
        return setup_exemplars_.view();
    }
    if (&family == &describe(metric::session_status_dwell) && labels.size() == 1) {
        // The label is the status word; each status has exemplars of its own.
        const session_status status = parse_session_status(labels[0].value);
        return dwell_exemplars_[static_cast<std::size_t>(status)].view();
    }
    return {};
}

} // namespace kallglot

// The ways in: session API, webhooks and files. What the store asks of the intake is in intake_store.cpp.

#include "kallglot/intake/intake.hpp"

#include <boost/asio/post.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

/// Records looked at between two looks at the loop.
constexpr std::size_t records_a_slice = 65'536;

} // namespace

intake::intake(session_registry& registry,
               session_store& store,
               poller& polls,
               daemon_metrics& metrics,
               clock& time,
               logger& log,
               std::uint32_t process)
    : registry_(registry),
      store_(store),
      poller_(polls),
      metrics_(metrics),
      clock_(time),
      log_(log),
      process_(process) {
    poller_.remember_in(remembered_);
}

task<result<track_outcome>> intake::track(session_id id) {
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    const taken one = take_in(id, session_source::api, false);
    if (one.slot == no_slot) {
        metrics_.session_rejected(labels::rejected_for::limit);
        co_return no_room();
    }
    // Asking by name is asking to have it back.
    const std::uint64_t key = remembered_key(id.view());
    const bool had_left = remembered_.erase(key, clock_.now());
    if (const error_code failed = co_await store_.committed(one.ticket)) {
        if (had_left && registry_.find(id.view()) == no_slot) {
            remembered_.add({key, clock_.now(), remembered_kind::ended});
        }
        co_return failed;
    }
    co_return one.is_new ? track_outcome::added : track_outcome::known;
}

task<result<session_intake::bulk_outcome>> intake::track_all(std::vector<session_id> ids) {
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    if (memory_is_short_) {
        co_return errc::memory_short;
    }
    bulk_outcome outcome;
    std::vector<commit_ticket> tickets;
    std::vector<session_id> had_left;
    for (const session_id& id : ids) {
        const taken one = take_in(id, session_source::api, true);
        if (one.slot == no_slot) {
            outcome.over_limit.push_back(id);
            continue;
        }
        if (remembered_.erase(remembered_key(id.view()), clock_.now())) {
            had_left.push_back(id);
        }
        outcome.added += one.is_new ? 1 : 0;
        outcome.known += one.is_new ? 0 : 1;
        // Nearly all are of the same few groups.
        if (tickets.empty() || tickets.back() != one.ticket) {
            tickets.push_back(one.ticket);
        }
    }
    metrics_.session_rejected(labels::rejected_for::limit, outcome.over_limit.size());
    if (const error_code failed = co_await all_committed(std::move(tickets))) {
        for (const session_id& id : had_left) {
            if (registry_.find(id.view()) == no_slot) {
                remembered_.add({remembered_key(id.view()), clock_.now(), remembered_kind::ended});
            }
        }
        co_return failed;
    }
    co_return outcome;
}

task<result<forget_outcome>> intake::forget(session_id id) {
    const session_slot slot = registry_.find(id.view());
    if (slot == no_slot) {
        co_return forget_outcome::not_tracked;
    }
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    const commit_ticket ticket = poller_.forget(slot, labels::forgotten_for::operator_asked);
    if (const error_code failed = co_await store_.committed(ticket)) {
        co_return failed;
    }
    co_return forget_outcome::forgotten;
}

std::optional<session_view> intake::look_up(const session_id& id) const {
    const session_slot slot = registry_.find(id.view());
    return slot == no_slot ? std::nullopt : std::optional(view_of(registry_, slot, now()));
}

task<result<session_page>> intake::list(session_query query) {
    auto selection = session_selection::begin(query, process_, clock_.now());
    if (!selection) {
        co_return errc::invalid_session_id;
    }
    const loop_executor executor = co_await asio::this_coro::executor;
    while (selection->select(registry_, records_a_slice)) {
        co_await asio::post(executor, as_tuple);
    }
    co_return selection->page(registry_, now());
}

task<result<event_outcome>> intake::take_event(webhook_event event) {
    if (!store_.accepting()) {
        co_return errc::store_unavailable;
    }
    // A type that we do not know may tell of a session that we do not know.
    if (!event.of_session) {
        co_return event_outcome::accepted;
    }
    if (!event.session) {
        metrics_.session_rejected(labels::rejected_for::invalid_id);
        co_return event_outcome::accepted;
    }
    const steady_time now = clock_.now();
    if (remembered_.contains(event.key, now)) {
        // The first delivery may still be on its way to the disk: this one waits for the same.
        const auto first = events_under_way_.find(event.key);
        if (first != events_under_way_.end()) {
            std::vector<commit_ticket> tickets = first->second;
            if (const error_code failed = co_await all_committed(std::move(tickets))) {
                co_return failed;
            }
        }
        co_return event_outcome::duplicate;
    }
    if (remembered_.contains(remembered_key(event.session->view()), now)) {
        co_return event_outcome::outdated;
    }
    const taken one = take_in(*event.session, session_source::webhook, false);
    if (one.slot == no_slot) {
        metrics_.session_rejected(labels::rejected_for::limit);
        co_return no_room();
    }
    const event_outcome outcome = apply(event, one);
    std::vector<commit_ticket> tickets = events_under_way_.at(event.key);
    const error_code failed = co_await all_committed(std::move(tickets));
    events_under_way_.erase(event.key);
    if (failed) {
        // It will be delivered again, and must not look like a duplicate then.
        remembered_.erase(event.key, clock_.now());
        co_return failed;
    }
    co_return outcome;
}

event_outcome intake::apply(const webhook_event& event, const taken& session) {
    const std::optional<session_event> told = session_event_of(event.type);
    const tracking changes =
        told ? poller_.take_event(session.slot, *told, event.made_at) : tracking();
    remembered_.add({event.key, clock_.now(), remembered_kind::event});
    const commit_ticket changed =
        store_.change(registry_.id_of(session.slot), registry_[session.slot]);
    const commit_ticket noted = store_.remember_event(event.key, *event.session);
    events_under_way_[event.key] = {session.ticket, changed, noted};
    // A created event of a session that is known says nothing new, but it is no late one either.
    return changes.outdated && !session.is_new ? event_outcome::outdated : event_outcome::accepted;
}

task<error_code> intake::all_committed(std::vector<commit_ticket> tickets) {
    std::ranges::sort(tickets);
    const auto repeated = std::ranges::unique(tickets);
    tickets.erase(repeated.begin(), repeated.end());
    for (const commit_ticket ticket : tickets) {
        if (const error_code failed = co_await store_.committed(ticket)) {
            co_return failed;
        }
    }
    co_return error_code();
}

intake::taken intake::take_in(const session_id& id, session_source source, bool bulk) {
    if (memory_is_short_ && registry_.find(id.view()) == no_slot) {
        return {};
    }
    const auto [slot, is_new] = registry_.add(id);
    if (slot == no_slot) {
        return {};
    }
    const bool known_source = (registry_[slot].sources & source_bit(source)) != 0;
    registry_.update(slot, [&, fresh = is_new](session_record& record) {
        record.sources |= source_bit(source);
        if (fresh) {
            record.since = clock_.now();
            record.bulk = bulk;
        }
    });
    taken one{slot, is_new};
    if (is_new) {
        one.ticket = store_.add(id, registry_[slot]);
        metrics_.session_added(source);
        poller_.session_changed(slot);
    } else if (registry_[slot].unstored) {
        one.ticket = offer(slot);
    } else if (known_source) {
        one.ticket = store_.pending(id);
    } else if (source == session_source::file) {
        note_sources(slot);
    } else {
        one.ticket = store_.change(id, registry_[slot]);
    }
    if (one.ticket == commit_ticket::refused && !is_new && !known_source) {
        // It was not told for good: the next time it is new again.
        registry_.update(slot, [source](session_record& record) {
            record.sources &= static_cast<std::uint8_t>(~source_bit(source));
        });
    }
    return one;
}

void intake::note_sources(session_slot slot) {
    if (store_.has_room()) {
        store_.note(registry_.id_of(slot), registry_[slot]);
    }
}

void intake::on_added(std::span<const session_id> ids, bool) {
    const steady_time now = clock_.now();
    std::size_t refused = 0;
    for (const session_id& id : ids) {
        // What ended or was not there does not come back with a file that still has its line.
        if (!remembered_.contains(remembered_key(id.view()), now)) {
            refused += take_in(id, session_source::file, true).slot == no_slot ? 1 : 0;
        }
    }
    if (refused != 0) {
        metrics_.session_rejected(labels::rejected_for::limit, refused);
    }
    // One line when the limit is reached; the count is in the metrics.
    if (refused != 0 && !told_full_ && !memory_is_short_) {
        log_.warn("session limit reached, ids are not tracked",
                  {{"limit", registry_.max_tracked()}});
    }
    told_full_ = refused != 0 && !memory_is_short_;
    refused_lines_ |= refused != 0;
}

bool intake::wants_all_again() {
    return !registry_.full() && !memory_is_short_ && std::exchange(refused_lines_, false);
}

void intake::on_removed(const std::vector<std::uint64_t>& hashes) {
    const boost::unordered_flat_set<std::uint64_t> gone(hashes.begin(), hashes.end());
    for (std::uint32_t index = 0; index < registry_.slot_count(); ++index) {
        const session_slot slot{index};
        if (!registry_.is_tracked(slot)
            || (registry_[slot].sources & source_bit(session_source::file)) == 0
            || !gone.contains(hash_of(registry_.text_of(slot)))) {
            continue;
        }
        const std::uint8_t others = registry_.update(slot, [](session_record& record) {
            record.sources &= static_cast<std::uint8_t>(~source_bit(session_source::file));
            return record.sources;
        });
        if (others == 0) {
            poller_.forget(slot, labels::forgotten_for::operator_asked);
        } else {
            note_sources(slot);
        }
    }
}

void intake::on_bad_lines(std::uint64_t count) {
    metrics_.session_rejected(labels::rejected_for::invalid_id, count);
}

} // namespace kallglot

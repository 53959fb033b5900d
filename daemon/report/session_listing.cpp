#include "kallglot/report/session_listing.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace kallglot {

namespace {

std::optional<api_time> wall_time_if_known(steady_time at, moment now) {
    return at == no_time ? std::nullopt : std::optional(wall_time(at, now));
}

/// Hexadecimal digits up to the next dot, which is taken too.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    const std::string_view digits = text.substr(0, text.find('.'));
    // The dot is optional behind the last number; begin() rejects a text that ends with one.
    text.remove_prefix(std::min(text.size(), digits.size() + 1));
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    // Every character must be a digit: a cursor that was changed by hand is rejected.
    const bool good = error == std::errc() && end == digits.data() + digits.size();
    return good ? std::optional(value) : std::nullopt;
}

} // namespace

session_view view_of(const session_registry& registry, session_slot slot, moment now) {
    const session_record& record = registry[slot];
    session_view view(registry.id_of(slot));
    view.status = record.status;
    view.mode = record.mode;
    view.provider = record.provider;
    view.since = wall_time(record.since, now);
    // Without a known slack there is no earlier bound to show.
    if (record.since_slack_ms != session_record::unknown_slack) {
        view.since_low = view.since - milliseconds(record.since_slack_ms);
    }
    view.created = wall_time_if_known(record.created, now);
    view.started = wall_time_if_known(record.started, now);
    if (record.status == session_status::ended) {
        // The status `ended` began at the end of the session.
        view.ended = view.since;
    }
    view.last_poll = wall_time_if_known(record.observed, now);
    view.observed = record.was_observed();
    view.unverified = record.unverified;
    view.failures = record.failures;
    view.not_found = record.not_found_since != no_time;
    // A 404 is an answer and resets the count of failures. So failures are newer than it.
    if (record.failures > 0) {
        view.last_error = record.last_failure;
    } else if (view.not_found) {
        view.last_error = failure_reason::not_found;
    }
    return view;
}

std::optional<session_selection> session_selection::begin(const session_query& query,
                                                          std::uint32_t process,
                                                          steady_time now) {
    session_selection selection;
    // The selection refers to nothing outside, so it can live across turns of the loop.
    selection.query_ = query;
    selection.process_ = process;
    selection.now_ = now;
    if (!query.after.empty()) {
        std::string_view text = query.after;
        // A cursor is `process.since.slot`. Its time is on this process's clock, so another process must reject
        // it.
        const auto owner = take_number(text);
        const auto since = take_number(text);
        const auto where = take_number(text);
        if (!owner || !since || !where || !text.empty() || query.after.ends_with('.')
            || *owner != process || *where > index_of(no_slot)) {
            return std::nullopt;
        }
        selection.after_.emplace(
            steady_time(steady_duration(static_cast<steady_duration::rep>(*since))),
            static_cast<std::uint32_t>(*where));
    }
    return selection;
}

bool session_selection::select(const session_registry& registry, std::size_t records) {
    const auto end =
        static_cast<std::uint32_t>(std::min<std::size_t>(registry.slot_count(), cursor_ + records));
    for (; cursor_ < end; ++cursor_) {
        const session_slot slot{cursor_};
        if (!registry.is_tracked(slot)) {
            continue;
        }
        // The slot makes the order unique for sessions with the same beginning.
        const place where{registry[slot].since, cursor_};
        if (!fits(registry[slot], where)) {
            continue;
        }
        // The heap has the sessions of one page, and one more that shows whether there is another page.
        if (found_.size() <= query_.limit) {
            found_.push_back(where);
            std::push_heap(found_.begin(), found_.end());
        } else if (where < found_.front()) {
            // Better than the worst of the page: it takes that place.
            std::pop_heap(found_.begin(), found_.end());
            found_.back() = where;
            std::push_heap(found_.begin(), found_.end());
        }
    }
    return cursor_ < registry.slot_count();
}

session_page session_selection::page(const session_registry& registry, moment now) const {
    std::vector<place> ordered = found_;
    // The heap is unordered apart from its top.
    std::sort(ordered.begin(), ordered.end());
    session_page result;
    const std::size_t shown_count = std::min(ordered.size(), query_.limit);
    for (std::size_t i = 0; i < shown_count; ++i) {
        // Since the selection, a session may have been forgotten, and its slot may belong to another one.
        const session_slot slot{ordered[i].second};
        const bool still_there =
            registry.is_tracked(slot) && registry[slot].since == ordered[i].first;
        if (still_there && fits(registry[slot], ordered[i])) {
            result.sessions.push_back(view_of(registry, slot, now));
        }
    }
    if (ordered.size() > query_.limit) {
        // The next page starts behind the last session of this one, even if that session has changed since.
        const auto& [since, where] = ordered[shown_count - 1];
        std::array<char, 64> text{};
        const int size =
            std::snprintf(text.data(),
                          text.size(),
                          "%x.%llx.%x",
                          process_,
                          static_cast<unsigned long long>(since.time_since_epoch().count()),
                          where);
        result.next.assign(text.data(), static_cast<std::size_t>(size));
    }
    return result;
}

bool session_selection::fits(const session_record& record, const place& where) const {
    return (!query_.status || record.status == *query_.status)
           && now_ - record.since >= query_.older_than && (!after_ || where > *after_);
}

} // namespace kallglot

#include "cluster/cluster_member.hpp"

#include "cluster/budget_shares.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

cluster_member::cluster_member(const cluster_settings& settings, identity id)
    : settings_(settings),
      id_(std::move(id)) {}

void cluster_member::connected() noexcept {
    watch_.restart();
    next_beat_at_ = no_time;
}

shard_changes cluster_member::take_view(const cluster_view& view, steady_time received) {
    failed_attempt_ = no_time;
    view_ = view;
    watch_.take(view_, received);
    account_.take(view_.account);
    if (view_.find(id_.self)) {
        phase_ = phase::member;
        return take_member_view(received);
    }
    if (phase_ == phase::joining) {
        take_joining_view(received);
        return {};
    }
    phase_ = phase::fenced;
    proven_at_ = no_time;
    return {.lost = map_.clear(), .gained = {}, .leaving = {}};
}

shard_changes cluster_member::take_member_view(steady_time received) {
    shard_changes changes = map_.update(view_.shards, id_.self);
    const replica_row& own = *view_.find(id_.self);
    share_ppm_ = own.share_ppm;
    plan_ = plan_shards(settings_, view_, id_.self, watch_, received);
    if (own.beat != sent_beat_ || sent_beat_at_ == no_time) {
        // It has just joined, or another of its beats was executed late or forgotten. The next one knows the number.
        next_beat_at_ = received;
        return changes;
    }
    // Trust counts from the sending: others count from a moment after it.
    proven_at_ = sent_beat_at_;
    next_beat_at_ = std::max(received, sent_beat_at_ + jittered_interval());
    // One batch at a time: the next leaves when this one is gone.
    if (map_.leaving().none()) {
        changes.leaving = plan_.surplus & map_.held();
        map_.begin_leaving(changes.leaving);
    }
    return changes;
}

void cluster_member::take_joining_view(steady_time received) {
    const replica_row* row = view_.find(id_.node);
    // Two processes of one name would delete each other for ever, so the older one stays.
    if (row && watch_.has_moved(row->id)) {
        phase_ = phase::node_taken;
    }
    // The row of the node may be gone, or be that of a dead process: try again.
    next_beat_at_ = received + jittered_interval();
}

void cluster_member::take_done(steady_time received) noexcept {
    failed_attempt_ = no_time;
    next_beat_at_ = received;
}

void cluster_member::take_failure(steady_time began) noexcept {
    if (phase_ == phase::left) {
        return;
    }
    failed_attempt_ = began;
}

void cluster_member::beat_soon(steady_time now) noexcept {
    next_beat_at_ = std::min(next_beat_at_, now);
}

void cluster_member::drain(steady_time now) noexcept {
    draining_ = true;
    beat_soon(now);
}

void cluster_member::set_demand(request_demand demand, std::int64_t account_budget) noexcept {
    demand_ = demand;
    account_budget_ = account_budget;
}

std::optional<cluster_statement> cluster_member::next_statement(steady_time now) {
    if (phase_ == phase::joining) {
        return next_joining_statement(now);
    }
    if (phase_ != phase::member) {
        return std::nullopt;
    }
    if (next_beat_at_ <= now) {
        return make_beat(now);
    }
    std::vector<released_shard> released = map_.to_release();
    if (!released.empty()) {
        return release_statement{id_.self, std::move(released)};
    }
    if (draining_ && owns_nothing()) {
        // Its share is free for others as soon as the row is gone.
        phase_ = phase::left;
        proven_at_ = no_time;
        failed_attempt_ = no_time;
        return leave_statement{id_.self};
    }
    if (plan_.next_at <= now) {
        plan_ = plan_shards(settings_, view_, id_.self, watch_, now);
    }
    if (!plan_.dead.empty() || plan_.claims.any()) {
        return takeover_statement{id_.self, plan_.dead, plan_.claims, view_.generation};
    }
    return std::nullopt;
}

std::optional<cluster_statement> cluster_member::next_joining_statement(steady_time now) {
    if (draining_) {
        phase_ = phase::left;
        return std::nullopt;
    }
    if (next_beat_at_ <= now) {
        return join_statement{id_.self, id_.node, id_.predecessors, settings_.lease};
    }
    const replica_row* row = view_.find(id_.node);
    if (row && watch_.expires_at(row->id) <= now) {
        return takeover_statement{id_.self, {{row->id, row->beat}}, {}, view_.generation};
    }
    return std::nullopt;
}

cluster_statement cluster_member::make_beat(steady_time now) {
    const replica_row& own = *view_.find(id_.self);
    const std::int32_t share = share_to_ask_for(view_.replicas, own, demand_, account_budget_);
    // It shrinks now, before others can see it, and grows when the answer says so.
    share_ppm_ = std::min(share_ppm_, share);
    sent_beat_ = std::max(sent_beat_, own.beat) + 1;
    sent_beat_at_ = now;
    beat_statement beat;
    beat.self = id_.self;
    beat.expected_beat = own.beat;
    beat.next_beat = sent_beat_;
    beat.share_ppm = share;
    beat.demand = demand_;
    beat.key = account_.key();
    beat.draining = draining_;
    beat.report = account_.report();
    beat.durable = share > own.share_ppm || beat.report;
    return beat;
}

bool cluster_member::owns_nothing() const noexcept {
    const bool says_so = view_.find(id_.self)->draining;
    return says_so && map_.held().none() && map_.leaving().none();
}

steady_time cluster_member::next_at() const noexcept {
    if (phase_ == phase::joining) {
        const replica_row* row = view_.find(id_.node);
        return std::min(next_beat_at_, row ? watch_.expires_at(row->id) : lease_watch::never);
    }
    if (phase_ != phase::member) {
        return lease_watch::never;
    }
    return std::min(next_beat_at_, plan_.next_at);
}

cluster_member::lease_state cluster_member::lease(steady_time now) const noexcept {
    if (now < trusted_until()) {
        return lease_state::held;
    }
    // An attempt that is too old may have failed for a pause of this process.
    const bool failed = failed_attempt_ != no_time && now < failed_attempt_ + settings_.trust();
    return failed ? lease_state::cut_off : lease_state::lapsed;
}

steady_time cluster_member::trusted_until() const noexcept {
    return proven_at_ == no_time ? no_time : proven_at_ + settings_.trust();
}

std::int32_t cluster_member::share_ppm(steady_time now) const noexcept {
    switch (lease(now)) {
        case lease_state::held:
            return share_ppm_;
        case lease_state::cut_off:
            return share_ppm_ / 2;
        case lease_state::lapsed:
            break;
    }
    return 0;
}

bool cluster_member::is_prober(steady_time now) const noexcept {
    return lease(now) != lease_state::held || account_.is_prober(view_.replicas, id_.node);
}

// The beats of several replicas must not fall together: from 0.9 to 1.1 s, by a hash of the replica and its beat.
steady_duration cluster_member::jittered_interval() const noexcept {
    const std::uint64_t seed = static_cast<std::uint64_t>(id_.self)
                               + static_cast<std::uint64_t>(proven_at_.time_since_epoch().count());
    const auto part = static_cast<std::int64_t>((seed * 0x9E37'79B9'7F4A'7C15) >> 33) % 201;
    return cluster_settings::beat_interval * (900 + part) / 1000;
}

} // namespace kallglot

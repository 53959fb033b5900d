/// Changes that no caller waits for: the newest state of sessions until the next flush, and changes held while the disk
/// fails. Bounded: above the limit all of them are dropped, and the store has to be rewritten from memory.

#ifndef KALLGLOT_STORE_NOTE_BOARD_HPP
#define KALLGLOT_STORE_NOTE_BOARD_HPP

#include "kallglot/ports/store_engine.hpp"
#include "store/burst_memory.hpp"
#include "store/write_queue.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace kallglot {

/// Loop only.
class note_board {
public:
    explicit note_board(std::size_t limit) : limit_(limit) {}

    /// The newest state of a session replaces an older one.
    void note(const stored_session& row) {
        notes_.insert_or_assign(row.id, row);
        bound();
    }

    /// A newer change of this id is in the write queue.
    void drop(const session_id& id) {
        notes_.erase(id);
        give_back_room(notes_);
    }

    /// Held changes are written before anything else, in the order of the calls.
    void hold(store_change change) {
        held_.push_back(std::move(change));
        bound();
    }

    [[nodiscard]] const std::vector<store_change>& held() const noexcept { return held_; }

    [[nodiscard]] std::vector<store_change> take_held() { return std::exchange(held_, {}); }

    /// The first `count` held changes are durable.
    void release_held(std::size_t count) {
        held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(count));
    }

    /// Up to `limit` notes.
    [[nodiscard]] std::vector<store_change> take(std::size_t limit) {
        std::vector<store_change> taken;
        auto next = notes_.begin();
        while (next != notes_.end() && taken.size() < limit) {
            taken.emplace_back(update_session{next->second});
            notes_.erase(next++);
        }
        give_back_room(notes_);
        return taken;
    }

    [[nodiscard]] bool has_notes() const noexcept { return !notes_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return notes_.size() + held_.size(); }

    /// Changes were dropped, so that only memory has them: the store has to be rewritten.
    [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }

    /// Drops everything: a rewrite from memory replaces these changes.
    void overflow() {
        notes_.clear();
        held_.clear();
        overflowed_ = true;
    }

    void clear_overflow() noexcept { overflowed_ = false; }

private:
    void bound() {
        if (size() > limit_) {
            overflow();
        }
    }

    std::size_t limit_;
    boost::unordered_flat_map<session_id, stored_session, session_id_hash> notes_;
    std::vector<store_change> held_;
    bool overflowed_ = false;
};

} // namespace kallglot

#endif

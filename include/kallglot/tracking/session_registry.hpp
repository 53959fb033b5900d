/// Table of all tracked sessions, with an index by session id.
///
/// Records have a fixed size and live in chunks of 4,096 that never move; a 32-bit slot names each. The texts of ids
/// are in pools by size, so a short id does not cost as much as the longest. The index is a flat hash set of slots
/// that hashes through the table. Every change of a record goes through `update`, so that a running census can
/// follow. Knows nothing of time, polling or storage.

#ifndef KALLGLOT_TRACKING_SESSION_REGISTRY_HPP
#define KALLGLOT_TRACKING_SESSION_REGISTRY_HPP

#include "kallglot/tracking/session_id.hpp"
#include "kallglot/tracking/session_record.hpp"
#include "tracking/id_pool.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace kallglot {

/// Observer of changes: the registry calls it before and after each change of a record. Adding a session calls
/// after_change() only, removing one before_change() only.
class registry_observer {
public:
    virtual ~registry_observer() = default;
    virtual void before_change(session_slot slot, const session_record& record) = 0;
    virtual void after_change(session_slot slot, const session_record& record) = 0;

protected:
    registry_observer() = default;
    registry_observer(const registry_observer&) = default;
    registry_observer& operator=(const registry_observer&) = default;
};

/// Number of tracked sessions for each interval, as [by_webhook][poll_kind]. The schedule computes the demand from it.
using kind_tally = std::array<std::array<std::uint32_t, poll_kind_count>, 2>;

/// Loop only.
class session_registry {
public:
    /// Cost: reserves the index for `max_tracked`, so that it never grows by doubling. The system provides its pages
    /// only as sessions are added.
    explicit session_registry(std::size_t max_tracked);

    session_registry(const session_registry&) = delete;
    session_registry& operator=(const session_registry&) = delete;

    struct added {
        session_slot slot = no_slot; ///< no_slot: the table is full
        bool is_new = false;
    };

    /// Finds the record of `id` or adds one. A new record has defaults and its id.
    added add(const session_id& id);

    /// As add(), without the limit: for sessions that were acknowledged under another limit.
    added add_beyond_limit(const session_id& id);

    /// no_slot if the id is not tracked.
    [[nodiscard]] session_slot find(std::string_view id) const;

    /// Removes the id from the index. The slot is free at once or, while a GET is in flight, after release().
    void remove(session_slot slot);

    /// Frees the slot of a removed session whose GET has returned. Precondition: the record is `forgotten`.
    void release(session_slot slot);

    [[nodiscard]] const session_record& operator[](session_slot slot) const noexcept {
        return at(index_of(slot));
    }

    /// Prefetches a record that the caller will read soon.
    void prefetch(session_slot slot) const noexcept {
        const session_record* const record = &(*this)[slot];
        // A record can lie across two cache lines.
        __builtin_prefetch(record);
        __builtin_prefetch(reinterpret_cast<const char*>(record + 1) - 1);
    }

    /// The one way to change a record: `change(session_record&)`.
    template <class Change>
    decltype(auto) update(session_slot slot, Change&& change) {
        session_record& record = at(index_of(slot));
        const observation_scope scope(*this, slot, record);
        return std::forward<Change>(change)(record);
    }

    [[nodiscard]] session_id id_of(session_slot slot) const;

    /// The id as text, without a copy: valid until the session is forgotten.
    [[nodiscard]] std::string_view text_of(session_slot slot) const noexcept;

    [[nodiscard]] const kind_tally& tally() const noexcept { return tally_; }

    /// Number of tracked sessions.
    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

    [[nodiscard]] bool full() const noexcept { return size() >= max_tracked_; }

    [[nodiscard]] std::size_t max_tracked() const noexcept { return max_tracked_; }

    void set_max_tracked(std::size_t count) noexcept { max_tracked_ = count; }

    /// Slots are 0 to slot_count() - 1; is_tracked() says which are in use.
    [[nodiscard]] std::uint32_t slot_count() const noexcept { return slot_count_; }

    [[nodiscard]] bool is_tracked(session_slot slot) const noexcept {
        const session_record& record = (*this)[slot];
        return record.id_size != 0 && !record.forgotten;
    }

    /// Sets the observer, at most one at a time; nullptr removes it. Observing does not change the table.
    void observe_with(registry_observer* observer) const noexcept { observer_ = observer; }

private:
    static constexpr std::uint32_t chunk_bits = 12;
    static constexpr std::uint32_t chunk_size = 1U << chunk_bits;
    using chunk = std::array<session_record, chunk_size>;

    /// Subtracts the old record from the tally and the observer's counts, and adds the changed one.
    class observation_scope {
    public:
        observation_scope(session_registry& registry,
                          session_slot slot,
                          const session_record& record)
            : registry_(registry),
              slot_(slot),
              record_(record) {
            registry_.take_out(slot_, record_);
        }

        ~observation_scope() { registry_.put_in(slot_, record_); }

        observation_scope(const observation_scope&) = delete;
        observation_scope& operator=(const observation_scope&) = delete;

    private:
        session_registry& registry_;
        session_slot slot_;
        const session_record& record_;
    };

    void take_out(session_slot slot, const session_record& record) {
        if (record.forgotten) {
            return;
        }
        --tally_[record.by_webhook][static_cast<std::size_t>(kind_of(record))];
        if (observer_ != nullptr) {
            observer_->before_change(slot, record);
        }
    }

    void put_in(session_slot slot, const session_record& record) {
        if (record.forgotten) {
            return;
        }
        ++tally_[record.by_webhook][static_cast<std::size_t>(kind_of(record))];
        if (observer_ != nullptr) {
            observer_->after_change(slot, record);
        }
    }

    /// Hash and equality through the table. A look-up by text needs no record.
    struct hash_through {
        using is_transparent = void;
        using is_avalanching = void;
        const session_registry* registry;
        std::size_t operator()(session_slot slot) const noexcept;
        std::size_t operator()(std::string_view id) const noexcept;
    };

    struct equal_through {
        using is_transparent = void;
        const session_registry* registry;
        bool operator()(session_slot a, session_slot b) const noexcept;
        bool operator()(session_slot a, std::string_view b) const noexcept;
        bool operator()(std::string_view a, session_slot b) const noexcept;
    };

    [[nodiscard]] session_record& at(std::uint32_t index) noexcept {
        return (*chunks_[index >> chunk_bits])[index & (chunk_size - 1)];
    }

    [[nodiscard]] const session_record& at(std::uint32_t index) const noexcept {
        return (*chunks_[index >> chunk_bits])[index & (chunk_size - 1)];
    }

    session_slot take_slot();
    void free_slot(session_slot slot);

    std::vector<std::unique_ptr<chunk>> chunks_;
    id_pool ids_;
    boost::unordered_flat_set<session_slot, hash_through, equal_through> index_;
    kind_tally tally_{};
    std::size_t max_tracked_;
    std::uint32_t slot_count_ = 0;
    std::uint32_t first_free_; ///< head of the free list, linked by id_place
    mutable registry_observer* observer_ = nullptr;
};

} // namespace kallglot

#endif

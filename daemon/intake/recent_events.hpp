/// The latest events that change no session: a repeated delivery of one is a duplicate.
///
/// Unlike events of sessions they are kept in memory only and in a bounded number: nothing depends on them but counts,
/// and a stream of transcript segments must neither fill memory nor write to the disk. Signatures expire within minutes, so the
/// latest are those that can be repeated.

#ifndef KALLGLOT_INTAKE_RECENT_EVENTS_HPP
#define KALLGLOT_INTAKE_RECENT_EVENTS_HPP

#include "kallglot/tracking/remembered_keys.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <deque>

namespace kallglot {

/// Loop only. Cost: about 36 bytes an event.
class recent_events {
public:
    /// Some 800 events a second for the default tolerance of five minutes.
    static constexpr std::size_t capacity = 262'144;

    /// False if the event is one of the latest.
    bool add(const remembered_key& event) {
        if (!known_.insert(event).second) {
            return false;
        }
        in_order_.push_back(event);
        if (in_order_.size() > capacity) {
            known_.erase(in_order_.front());
            in_order_.pop_front();
        }
        return true;
    }

private:
    boost::unordered_flat_set<remembered_key, remembered_key_hash> known_;
    std::deque<remembered_key> in_order_; ///< the oldest first
};

} // namespace kallglot

#endif

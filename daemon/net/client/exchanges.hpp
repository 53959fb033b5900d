/// The requests that were sent and not answered, in the order of sending.
///
/// All requests have the same time limit, so the oldest is due first and no timer per request is needed.

#ifndef KALLGLOT_NET_CLIENT_EXCHANGES_HPP
#define KALLGLOT_NET_CLIENT_EXCHANGES_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/api_client.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

namespace kallglot {

struct pooled_connection;

/// A request that waits for a connection.
struct queued_request {
    get_request request;
    steady_time queued = no_time; ///< when the pool got it
    std::uint8_t resent = 0;      ///< how often it was sent again, see resend_cause
};

/// One request in flight.
struct exchange {
    get_request request;
    steady_time queued = no_time;
    std::uint8_t resent = 0;
    pooled_connection* on = nullptr; ///< the connection that carries it
    steady_time sent = no_time;
    bool overdue = false; ///< its time limit has passed; its failure is about to be answered
};

using exchange_list = std::list<exchange>;

/// Valid until finish().
using exchange_ref = exchange_list::iterator;

/// Loop only. Cost: O(1) for each call, and no allocation once the lists have reached their peak.
class exchanges {
public:
    [[nodiscard]] exchange_ref start(const queued_request& next,
                                     pooled_connection& on,
                                     steady_time now);

    /// The oldest one that was sent at `sent` or before, now marked as overdue; nothing if there is none.
    [[nodiscard]] std::optional<exchange_ref> take_overdue(steady_time sent);

    void finish(exchange_ref done) noexcept;

    /// When the oldest was sent; nothing if none is in flight.
    [[nodiscard]] std::optional<steady_time> oldest() const noexcept;

    /// How many are in flight, without the overdue ones.
    [[nodiscard]] std::size_t size() const noexcept { return in_flight_.size(); }

private:
    exchange_list in_flight_; // in the order of sending
    exchange_list overdue_;
    exchange_list spare_; // nodes for the next ones
};

} // namespace kallglot

#endif

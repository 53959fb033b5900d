/// A connection of the pool, from the connect to its end, and the lists that say what it is doing.

#ifndef KALLGLOT_NET_CLIENT_POOLED_CONNECTION_HPP
#define KALLGLOT_NET_CLIENT_POOLED_CONNECTION_HPP

#include "net/client/api_connection.hpp"
#include "net/client/connection_opening.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>

namespace kallglot {

struct pooled_connection;
using connection_list = std::list<pooled_connection*>;

/// Its task owns it; the lists only refer to it.
struct pooled_connection {
    std::optional<connection_opening> opening; // until it is open
    std::unique_ptr<api_connection> transport; // once TLS is done
    tcp_endpoint peer;
    steady_time since = no_time; // when it began to open, or was last used
    std::size_t in_flight = 0;
    http_version version = http_version::http_1_1;
    bool is_new = true;         // has completed no exchange
    bool has_responded = false; // with any status

    connection_list* list = nullptr;
    connection_list::iterator position;
};

/// Each connection is in exactly one list.
struct connection_lists {
    connection_list opening; // in the order of their begin
    connection_list free;    // open, with room for a request; the one with the newest answer last
    connection_list full;    // open, without room
    connection_list worn;    // open, until another connection has opened in its place
    connection_list ending;  // until its task has ended

    /// Connections that are open and in use, or about to be.
    [[nodiscard]] std::size_t open_count() const noexcept {
        return opening.size() + free.size() + full.size() + worn.size();
    }

    /// The idle connection that was unused for the longest time; null if there is none.
    [[nodiscard]] pooled_connection* first_idle() const noexcept {
        pooled_connection* first = nullptr;
        for (const connection_list* const list : {&free, &worn}) {
            const auto found = std::ranges::find_if(*list, is_idle);
            if (found != list->end() && (first == nullptr || (*found)->since < first->since)) {
                first = *found;
            }
        }
        return first;
    }

    [[nodiscard]] std::size_t idle_count() const noexcept {
        return static_cast<std::size_t>(std::ranges::count_if(free, is_idle)
                                        + std::ranges::count_if(worn, is_idle));
    }

    /// Puts an open connection where it belongs after a request or an answer.
    void place(pooled_connection& connection) noexcept {
        const bool has_room = connection.transport->room() > 0;
        connection_list& to = !has_room ? full : connection.transport->worn() ? worn : free;
        if (connection.list != &to) {
            move(connection, to);
        }
    }

    /// Whether an open connection has no room although it carries nothing: its server accepts no requests now.
    [[nodiscard]] bool has_starved() const noexcept {
        return std::ranges::any_of(full, [](const pooled_connection* each) {
            return each->in_flight == 0 && !each->transport->ending();
        });
    }

    /// Calls `visit` with each open connection.
    template <class Visit>
    void for_each_open(Visit visit) const {
        for (const connection_list* const list : {&free, &full, &worn}) {
            for (pooled_connection* const connection : *list) {
                visit(*connection);
            }
        }
    }

    /// Calls `visit` with the transport of each connection that may have requests in flight.
    template <class Visit>
    void for_each_transport(Visit visit) const {
        for (const connection_list* const list : {&free, &full, &worn, &ending}) {
            for (pooled_connection* const connection : *list) {
                if (connection->transport) {
                    visit(*connection->transport);
                }
            }
        }
    }

    [[nodiscard]] static bool is_idle(const pooled_connection* each) noexcept {
        return each->in_flight == 0;
    }

    /// Moves a connection to the end of another list, without allocation.
    static void move(pooled_connection& connection, connection_list& to) noexcept {
        to.splice(to.end(), *connection.list, connection.position);
        connection.list = &to;
    }
};

} // namespace kallglot

#endif

/// The addresses of one host: the order to try them in, which to avoid for a while, and when to look up again.
///
/// Pure: no lookup and no clock. Old addresses stay until newer ones are known, because a DNS outage must not stop
/// polls of a working API. An address is avoided when a connection to it fails, and when it alone returns errors. If
/// all addresses return errors, the API itself fails (api_health), and no address is avoided for it.

#ifndef KALLGLOT_NET_CLIENT_ADDRESS_BOOK_HPP
#define KALLGLOT_NET_CLIENT_ADDRESS_BOOK_HPP

#include "kallglot/base/time.hpp"
#include "net/sockets.hpp"

#include <cstddef>
#include <vector>

namespace kallglot {

/// Loop only.
class address_book {
public:
    /// Replaces the addresses with the result of a lookup. Addresses that stay keep their history.
    void assign(const std::vector<tcp_endpoint>& found, steady_time now);

    /// A lookup failed: the known addresses stay, and the next lookup is due 5 s later.
    void note_failed_lookup(steady_time now) noexcept;

    void clear() noexcept { entries_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Whether a new lookup is due: no address is known, or the last result is older than 30 s.
    [[nodiscard]] bool stale(steady_time now) const noexcept;

    [[nodiscard]] bool contains(const tcp_endpoint& address) const noexcept;

    /// All addresses in the order to try them. Each call begins with the next one, so that connections spread.
    /// Addresses with a failed connection in the last 30 s, and avoided ones, come last.
    [[nodiscard]] std::vector<tcp_endpoint> order(steady_time now);

    /// The outcome of an attempt to connect.
    void note_failure(const tcp_endpoint& address, steady_time now) noexcept;
    void note_success(const tcp_endpoint& address) noexcept;

    /// The outcome of a request to that address: `good` is a response with a status below 500.
    ///
    /// True if its connections should be retired: its last five answers were bad while another address answers well.
    /// The address is then avoided for 30 s, each time in a row for 30 s longer, up to five minutes.
    [[nodiscard]] bool note_answer(const tcp_endpoint& address,
                                   bool good,
                                   steady_time now) noexcept;

private:
    struct entry {
        explicit entry(const tcp_endpoint& at) : address(at) {}

        [[nodiscard]] bool is_avoided(steady_time now) const noexcept;

        tcp_endpoint address;
        steady_time failed_at = no_time;
        steady_time avoid_until = no_time;
        unsigned bad_in_a_row = 0;
        unsigned times_avoided = 0; ///< in a row, without a good answer between
        bool answers_well = false;  ///< its last answer was good
    };

    [[nodiscard]] entry* find(const tcp_endpoint& address) noexcept;

    std::vector<entry> entries_;
    steady_time assigned_at_ = no_time;
    std::size_t next_ = 0;
};

} // namespace kallglot

#endif

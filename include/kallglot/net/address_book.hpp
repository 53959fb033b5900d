/// The addresses of one host: which to try first, which to spare for a while, and when to ask the DNS again.
///
/// Pure: no lookup and no clock. Old addresses stay until newer ones are known, because a DNS that is down must not
/// take a working API with it.

#ifndef KALLGLOT_NET_ADDRESS_BOOK_HPP
#define KALLGLOT_NET_ADDRESS_BOOK_HPP

#include "kallglot/core/time.hpp"
#include "kallglot/net/sockets.hpp"

#include <cstddef>
#include <vector>

namespace kallglot {

/// Loop only.
class address_book {
public:
    /// Puts in place what a lookup found; failures of addresses that stay are remembered.
    void assign(const std::vector<tcp_endpoint>& found, steady_time now);

    /// A lookup failed: the addresses known stay, and the next lookup is due 5 s later.
    void keep(steady_time now) noexcept;

    void clear() noexcept { entries_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    /// Whether a new lookup is due: nothing is known, or the last answer is older than 30 s.
    [[nodiscard]] bool stale(steady_time now) const noexcept;

    /// All addresses in the order to try them: each call begins with the next one, so that connections spread; those
    /// that failed within the last 30 s come last.
    [[nodiscard]] std::vector<tcp_endpoint> order(steady_time now);

    void note_failure(const tcp_endpoint& address, steady_time now) noexcept;
    void note_success(const tcp_endpoint& address) noexcept;

private:
    struct entry {
        tcp_endpoint address;
        steady_time failed_at = no_time;
    };

    [[nodiscard]] entry* find(const tcp_endpoint& address) noexcept;

    std::vector<entry> entries_;
    steady_time assigned_at_ = no_time;
    std::size_t next_ = 0;
};

} // namespace kallglot

#endif

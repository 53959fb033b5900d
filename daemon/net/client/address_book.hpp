/// The addresses of one host: which to try first, which to spare for a while, and when to ask the DNS again.
///
/// Pure: no lookup and no clock. Old addresses stay until newer ones are known, because a DNS that is down must not
/// take a working API with it. An address is spared when it cannot be connected to, and when it alone answers badly:
/// never all of them, since then it is the API that is in trouble (api_health), and one address is as good as another.

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
    /// Puts in place what a lookup found; failures of addresses that stay are remembered.
    void assign(const std::vector<tcp_endpoint>& found, steady_time now);

    /// A lookup failed: the addresses known stay, and the next lookup is due 5 s later.
    void keep(steady_time now) noexcept;

    void clear() noexcept { entries_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    /// Whether a new lookup is due: nothing is known, or the last answer is older than 30 s.
    [[nodiscard]] bool stale(steady_time now) const noexcept;

    [[nodiscard]] bool contains(const tcp_endpoint& address) const noexcept;

    /// All addresses in the order to try them: each call begins with the next one, so that connections spread; those
    /// that could not be connected to within the last 30 s, and those that are spared, come last.
    [[nodiscard]] std::vector<tcp_endpoint> order(steady_time now);

    /// How an attempt to connect went.
    void note_failure(const tcp_endpoint& address, steady_time now) noexcept;
    void note_success(const tcp_endpoint& address) noexcept;

    /// What came of a request there: good is any answer but 5xx. True if the address is to be left now: the last five
    /// answers were bad while another address answers well. It is spared for 30 s, each time in a row 30 s longer, up
    /// to five minutes.
    [[nodiscard]] bool note_answer(const tcp_endpoint& address,
                                   bool good,
                                   steady_time now) noexcept;

private:
    struct entry {
        explicit entry(const tcp_endpoint& at) : address(at) {}

        [[nodiscard]] bool is_avoided(steady_time now) const noexcept;

        tcp_endpoint address;
        steady_time failed_at = no_time;
        steady_time spared_until = no_time;
        unsigned bad_in_a_row = 0;
        unsigned times_spared = 0; ///< without a good answer since
        bool answers_well = false; ///< so it did last
    };

    [[nodiscard]] entry* find(const tcp_endpoint& address) noexcept;

    std::vector<entry> entries_;
    steady_time assigned_at_ = no_time;
    std::size_t next_ = 0;
};

} // namespace kallglot

#endif

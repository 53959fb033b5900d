#include "net/client/http_version_memory.hpp"

#include <algorithm>
#include <chrono>

namespace kallglot {

namespace {

constexpr std::string_view h2_name = "h2";
constexpr std::string_view http_1_1_name = "http/1.1";

// How long a demand of the API is followed before the next attempt.
constexpr steady_duration demand_lifetime = std::chrono::minutes(10);

// Far below 2^30, the number of stream ids of a connection, and below the number of records for one key of AES-GCM
// (RFC 8446 section 5.5).
constexpr std::uint32_t most_requests = 1U << 20U;

// One or two can have other reasons: the API is restarted, or its network is down.
constexpr int max_barren_in_a_row = 3;

// Shorter lengths have other reasons: the API was restarted.
constexpr std::uint32_t min_learned_length = 100;

} // namespace

std::string_view http_offer::alpn() const noexcept {
    // The preferred one first.
    constexpr std::string_view both = "\x02h2\x08http/1.1";
    return !http_2 ? both.substr(3) : http_1_1 ? both : both.substr(0, 3);
}

std::optional<http_version> http_offer::accept(std::string_view chosen) const noexcept {
    if (chosen == h2_name && http_2) {
        return http_version::http_2;
    }
    if ((chosen.empty() || chosen == http_1_1_name) && http_1_1) {
        return http_version::http_1_1;
    }
    return std::nullopt;
}

void http_version_memory::reset(http_version_choice choice, bool tls) noexcept {
    // Another host, trust or choice: nothing that was learned of the former server holds.
    *this = http_version_memory();
    choice_ = choice;
    tls_ = tls;
}

http_offer http_version_memory::offer(steady_time now) const noexcept {
    if (!tls_ || choice_ == http_version_choice::http_1_1) {
        return {.http_1_1 = true, .http_2 = false};
    }
    if (choice_ == http_version_choice::http_2) {
        return {.http_1_1 = false, .http_2 = true};
    }
    return {.http_1_1 = true, .http_2 = now >= only_1_1_until_};
}

std::optional<http_version> http_version_memory::expected(steady_time now) const noexcept {
    const http_offer offered = offer(now);
    if (offered.http_1_1 && offered.http_2) {
        // Both are offered: what the last handshake agreed on is the best guess; before the first there is none.
        return agreed_;
    }
    return offered.http_2 ? http_version::http_2 : http_version::http_1_1;
}

void http_version_memory::note_http_1_1_required(steady_time now) noexcept {
    only_1_1_until_ = now + demand_lifetime;
    // What was agreed on before does not say what follows the ten minutes.
    agreed_.reset();
}

void http_version_memory::note_barren(steady_time now) noexcept {
    if (++barren_in_a_row_ >= max_barren_in_a_row) {
        // After the ten minutes HTTP/2 gets three new attempts.
        barren_in_a_row_ = 0;
        note_http_1_1_required(now);
    }
}

void http_version_memory::note_calm(steady_time now) noexcept {
    calm_until_ = now + demand_lifetime;
}

std::size_t http_version_memory::streams(std::size_t configured, steady_time now) const noexcept {
    // ENHANCE_YOUR_CALM (RFC 9113 section 7) says that the load is too high, not by how much.
    return is_calm(now) ? std::max<std::size_t>(configured / 2, 1) : configured;
}

// Two equal lengths in a row: a server that counts requests, as nginx does (keepalive_requests), and not a restart.
void http_version_memory::note_length(std::uint32_t requests) noexcept {
    const bool regular = requests == last_length_ && requests >= min_learned_length;
    last_length_ = requests;
    length_ = regular ? requests : 0;
}

std::uint32_t http_version_memory::max_requests() const noexcept {
    return length_ != 0 ? std::min(length_, most_requests) : most_requests;
}

} // namespace kallglot

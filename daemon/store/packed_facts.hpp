/// Packs the small values of a row into one integer, the same in every engine.

#ifndef KALLGLOT_STORE_PACKED_FACTS_HPP
#define KALLGLOT_STORE_PACKED_FACTS_HPP

#include "kallglot/tracking/stored_session.hpp"
#include "kallglot/tracking/stuck_episode.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

/// Small values share one integer: a column costs a byte of header in each of a million rows.
///
/// Source: from the lowest bit, four bits each: sources, status, mode, provider, reason, by_webhook; above them the count
/// of 404 answers. The numbers are those of the vocabularies (tracking/session.hpp), never the order of an enumeration.
[[nodiscard]] std::int64_t pack(const stored_session& row) noexcept;

/// False if a number belongs to no value: the row is damaged.
[[nodiscard]] bool unpack(std::int64_t packed, stored_session& row) noexcept;

/// Likewise: status, mode, provider, outcome.
[[nodiscard]] std::int64_t pack(const stored_episode& row) noexcept;
[[nodiscard]] bool unpack(std::int64_t packed, stored_episode& row) noexcept;

[[nodiscard]] inline std::optional<std::int64_t> ms_of(
    const std::optional<stored_time>& at) noexcept {
    return at ? std::optional(at->ms) : std::nullopt;
}

[[nodiscard]] inline std::optional<stored_time> moment(
    const std::optional<std::int64_t>& ms) noexcept {
    return ms ? std::optional(stored_time{*ms}) : std::nullopt;
}

} // namespace kallglot

#endif

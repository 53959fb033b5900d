/// Encoding of rows: packs small values into one integer and computes the checksum that detects a damaged row.

#ifndef KALLGLOT_STORE_SQLITE_ROW_CODEC_HPP
#define KALLGLOT_STORE_SQLITE_ROW_CODEC_HPP

#include "kallglot/tracking/stored_session.hpp"
#include "store/sqlite/session_table.hpp"

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

[[nodiscard]] inline std::optional<std::int64_t> ms_of(
    const std::optional<stored_time>& at) noexcept {
    return at ? std::optional(at->ms) : std::nullopt;
}

[[nodiscard]] inline std::optional<stored_time> moment(
    const std::optional<std::int64_t>& ms) noexcept {
    return ms ? std::optional(stored_time{*ms}) : std::nullopt;
}

/// Likewise: status, mode, provider, outcome.
[[nodiscard]] std::int64_t pack(const stored_episode& row) noexcept;
[[nodiscard]] bool unpack(std::int64_t packed, stored_episode& row) noexcept;

/// Checksum of all columns but the time of the first write, which never changes, and that of the last damage. 32 bits.
[[nodiscard]] std::int64_t sum_of(const stored_session& row) noexcept;
[[nodiscard]] std::int64_t sum_of(const state_row& row) noexcept;
[[nodiscard]] std::int64_t sum_of(const stored_episode& row) noexcept;

/// The kind in the lowest four bits, the checksum above it.
[[nodiscard]] std::int64_t kind_and_sum(const remembered_row& row) noexcept;

// The same of version 1, which had no secret and keys of 64 bits (`key.low`).
[[nodiscard]] std::int64_t version_1_sum_of(const time_mark& mark) noexcept;
[[nodiscard]] std::int64_t version_1_kind_and_sum(const remembered_row& row) noexcept;

} // namespace kallglot

#endif

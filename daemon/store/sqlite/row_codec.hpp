/// Checksums of rows, which detect a damaged row.

#ifndef KALLGLOT_STORE_SQLITE_ROW_CODEC_HPP
#define KALLGLOT_STORE_SQLITE_ROW_CODEC_HPP

#include "kallglot/tracking/stored_session.hpp"
#include "store/packed_facts.hpp"
#include "store/sqlite/session_table.hpp"

#include <cstdint>
#include <optional>

namespace kallglot {

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

#include "store/packed_facts.hpp"

#include <initializer_list>

namespace kallglot {

namespace {

/// Four bits a part, from the highest bits to the lowest, so that take_part() takes them off in the opposite order. The first
/// may be longer.
std::int64_t joined(std::initializer_list<std::uint64_t> parts) noexcept {
    std::uint64_t facts = 0;
    for (const std::uint64_t part : parts) {
        facts = (facts << 4) | part;
    }
    return static_cast<std::int64_t>(facts);
}

/// Takes off the lowest part of four bits.
std::uint8_t take_part(std::uint64_t& facts) noexcept {
    const auto part = static_cast<std::uint8_t>(facts & 0xF);
    facts >>= 4;
    return part;
}

} // namespace

// One integer for seven small fields: in SQLite a column costs a byte of header in each row, and more to read. The
// numbers are those of stored_number(), which never change.
std::int64_t pack(const stored_session& row) noexcept {
    return joined({row.missing_count,
                   row.by_webhook,
                   end_reason_words.stored_number(row.reason),
                   session_provider_words.stored_number(row.provider),
                   session_mode_words.stored_number(row.mode),
                   session_status_words.stored_number(row.status),
                   row.sources});
}

bool unpack(std::int64_t packed, stored_session& row) noexcept {
    auto facts = static_cast<std::uint64_t>(packed);
    // Four bits each. The rest, above them, is the count of 404 responses.
    row.sources = take_part(facts);
    const auto status = session_status_words.from_stored(take_part(facts));
    const auto mode = session_mode_words.from_stored(take_part(facts));
    const auto provider = session_provider_words.from_stored(take_part(facts));
    const auto reason = end_reason_words.from_stored(take_part(facts));
    row.by_webhook = take_part(facts) != 0;
    // Eight bits: the record's counter stops at 255.
    row.missing_count = static_cast<std::uint8_t>(facts);
    // A number of a newer version, or damage that the checksum missed.
    if (!status || !mode || !provider || !reason) {
        return false;
    }
    row.status = *status;
    row.mode = *mode;
    row.provider = *provider;
    row.reason = *reason;
    return true;
}

std::int64_t pack(const stored_episode& row) noexcept {
    return joined({episode_outcome_words.stored_number(row.outcome),
                   session_provider_words.stored_number(row.provider),
                   session_mode_words.stored_number(row.mode),
                   session_status_words.stored_number(row.status)});
}

bool unpack(std::int64_t packed, stored_episode& row) noexcept {
    auto facts = static_cast<std::uint64_t>(packed);
    const auto status = session_status_words.from_stored(take_part(facts));
    const auto mode = session_mode_words.from_stored(take_part(facts));
    const auto provider = session_provider_words.from_stored(take_part(facts));
    const auto outcome = episode_outcome_words.from_stored(take_part(facts));
    if (!status || !mode || !provider || !outcome || facts != 0) {
        return false;
    }
    row.status = *status;
    row.mode = *mode;
    row.provider = *provider;
    row.outcome = *outcome;
    return true;
}

} // namespace kallglot

#include "store/packed_facts.hpp"

namespace kallglot {

namespace {

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
    // From the highest bits to the lowest, so that unpack() takes them in the opposite order.
    std::uint64_t facts = 0;
    for (const std::uint64_t part :
         {std::uint64_t{row.missing_count},
          std::uint64_t{row.by_webhook},
          std::uint64_t{end_reason_words.stored_number(row.reason)},
          std::uint64_t{session_provider_words.stored_number(row.provider)},
          std::uint64_t{session_mode_words.stored_number(row.mode)},
          std::uint64_t{session_status_words.stored_number(row.status)},
          std::uint64_t{row.sources}}) {
        facts = (facts << 4) | part;
    }
    return static_cast<std::int64_t>(facts);
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
    // From the highest bits to the lowest, as above.
    std::uint64_t facts = 0;
    for (const std::uint8_t part : {episode_outcome_words.stored_number(row.outcome),
                                    session_provider_words.stored_number(row.provider),
                                    session_mode_words.stored_number(row.mode),
                                    session_status_words.stored_number(row.status)}) {
        facts = (facts << 4) | part;
    }
    return static_cast<std::int64_t>(facts);
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

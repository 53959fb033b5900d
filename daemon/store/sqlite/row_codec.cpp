#include "store/sqlite/row_codec.hpp"

#include <initializer_list>

namespace kallglot {

namespace {

/// Checksum of 32 bits over the values mixed in. It detects damage; it does not protect against forgery.
class row_sum {
public:
    void operator()(std::uint64_t value) noexcept {
        // A multiplication by an odd number, then a shift: each bit of a value changes many bits of the result.
        sum_ = (sum_ ^ value) * 0xBF58'476D'1CE4'E5B9ULL;
        sum_ ^= sum_ >> 29;
    }

    void operator()(const std::optional<std::int64_t>& value) noexcept {
        // Both, so that an absent value and -1 have different checksums.
        (*this)(value ? static_cast<std::uint64_t>(*value) : ~0ULL);
        (*this)(std::uint64_t{value.has_value()});
    }

    void operator()(const session_id& id) noexcept {
        for (const char c : id.view()) {
            (*this)(std::uint64_t{static_cast<unsigned char>(c)});
        }
    }

    [[nodiscard]] std::int64_t value() const noexcept {
        // The upper half is mixed best.
        return static_cast<std::int64_t>(sum_ >> 32);
    }

private:
    std::uint64_t sum_ = 0x9E37'79B9'7F4A'7C15ULL;
};

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

// The order of the values is part of the format on disk, here and below.
std::int64_t sum_of(const stored_session& row) noexcept {
    // The id too, so that a damaged id is not taken for another session.
    row_sum mix;
    mix(row.id);
    mix(static_cast<std::uint64_t>(pack(row)));
    mix(static_cast<std::uint64_t>(row.since.ms));
    mix(row.call_ms);
    for (const std::optional<std::int64_t>& value :
         {row.slack, row.seen, ms_of(row.created), ms_of(row.started), ms_of(row.missing)}) {
        mix(value);
    }
    return mix.value();
}

std::int64_t sum_of(const stored_episode& row) noexcept {
    row_sum mix;
    mix(row.id);
    mix(row.number);
    mix(static_cast<std::uint64_t>(pack(row)));
    mix(static_cast<std::uint64_t>(row.threshold_ms));
    mix(static_cast<std::uint64_t>(row.since.ms));
    mix(static_cast<std::uint64_t>(row.confirmed.ms));
    for (const std::optional<std::int64_t>& value :
         {row.since_slack, ms_of(row.until), row.until_slack}) {
        mix(value);
    }
    return mix.value();
}

namespace {

void mix_mark(row_sum& mix, const time_mark& mark) noexcept {
    mix(static_cast<std::uint64_t>(mark.stored.ms));
    mix(static_cast<std::uint64_t>(mark.wall.time_since_epoch().count()));
    mix(static_cast<std::uint64_t>(mark.steady.time_since_epoch().count()));
    mix(mark.boot);
}

/// Behind the key: the time, and the kind beside the checksum, in one column for both: there can be millions of keys.
std::int64_t finish(row_sum& mix, const remembered_row& row) noexcept {
    mix(static_cast<std::uint64_t>(row.at.ms));
    const std::uint8_t kind = remembered_kind_words.stored_number(row.kind);
    mix(kind);
    // 32 bits of the sum above four of the kind, so the number is far from the sign.
    return (mix.value() << 4) | kind;
}

} // namespace

std::int64_t sum_of(const state_row& row) noexcept {
    row_sum mix;
    mix_mark(mix, row.mark);
    // The corruption time is left out; see session_table::read_state().
    mix(row.secret.high);
    mix(row.secret.low);
    return mix.value();
}

std::int64_t kind_and_sum(const remembered_row& row) noexcept {
    row_sum mix;
    mix(row.key.high);
    mix(row.key.low);
    return finish(mix, row);
}

std::int64_t version_1_sum_of(const time_mark& mark) noexcept {
    row_sum mix;
    mix_mark(mix, mark);
    return mix.value();
}

std::int64_t version_1_kind_and_sum(const remembered_row& row) noexcept {
    row_sum mix;
    mix(row.key.low);
    return finish(mix, row);
}

} // namespace kallglot

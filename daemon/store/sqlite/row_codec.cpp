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

} // namespace

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

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

    [[nodiscard]] std::int64_t value() const noexcept {
        // The upper half is mixed best.
        return static_cast<std::int64_t>(sum_ >> 32);
    }

private:
    std::uint64_t sum_ = 0x9E37'79B9'7F4A'7C15ULL;
};

} // namespace

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
    const auto take = [&facts]() -> std::uint8_t {
        const auto part = static_cast<std::uint8_t>(facts & 0xF);
        facts >>= 4;
        return part;
    };
    row.sources = take();
    const auto status = session_status_words.from_stored(take());
    const auto mode = session_mode_words.from_stored(take());
    const auto provider = session_provider_words.from_stored(take());
    const auto reason = end_reason_words.from_stored(take());
    row.by_webhook = take() != 0;
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

// The order of the values is part of the format on disk, here and below.
std::int64_t sum_of(const stored_session& row) noexcept {
    // The id too, so that a damaged id is not taken for another session.
    row_sum mix;
    for (const char c : row.id.view()) {
        mix(static_cast<unsigned char>(c));
    }
    mix(static_cast<std::uint64_t>(pack(row)));
    mix(static_cast<std::uint64_t>(row.since.ms));
    mix(row.call_ms);
    for (const std::optional<std::int64_t>& value :
         {row.slack, row.seen, ms_of(row.created), ms_of(row.started), ms_of(row.missing)}) {
        // Both, so that an absent value and -1 have different checksums.
        mix(value ? static_cast<std::uint64_t>(*value) : ~0ULL);
        mix(value.has_value());
    }
    return mix.value();
}

std::int64_t sum_of(const time_mark& mark) noexcept {
    row_sum mix;
    mix(static_cast<std::uint64_t>(mark.stored.ms));
    mix(static_cast<std::uint64_t>(mark.wall.time_since_epoch().count()));
    mix(static_cast<std::uint64_t>(mark.steady.time_since_epoch().count()));
    mix(mark.boot);
    return mix.value();
}

std::int64_t kind_and_sum(const remembered_row& row) noexcept {
    row_sum mix;
    mix(row.key);
    mix(static_cast<std::uint64_t>(row.at.ms));
    const std::uint8_t kind = remembered_kind_words.stored_number(row.kind);
    mix(kind);
    // One column for both: there can be millions of keys.
    return (mix.value() << 4) | kind;
}

} // namespace kallglot

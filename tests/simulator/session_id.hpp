// Session ids that contain a number: sess_ and Crockford characters, 13 for the scrambled number, the rest for a check.
//
// The number is read from the id, so a look-up needs no table. The check makes it unlikely that a random id is valid.

#ifndef KALLGLOT_SIMULATOR_SESSION_ID_HPP
#define KALLGLOT_SIMULATOR_SESSION_ID_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kallglot::simulator {

/// Turns numbers into ids and back, under one seed. Immutable after construction.
class session_id_codec {
public:
    static constexpr std::size_t min_id_length = 24;
    static constexpr std::size_t usual_id = 31;
    static constexpr std::size_t max_id_length = 64;

    /// `length` is the length of the whole id, clamped to the bounds above.
    explicit session_id_codec(std::uint64_t seed, std::size_t length = usual_id);

    [[nodiscard]] std::string encode(std::uint64_t number) const;

    /// Nothing if the id has another length, another alphabet, or a wrong check.
    [[nodiscard]] std::optional<std::uint64_t> decode(std::string_view id) const;

private:
    void append(std::string& out, std::uint64_t number) const;

    std::uint64_t seed_;
    std::size_t length_;
};

} // namespace kallglot::simulator

#endif

/// The closed lists of label values that belong to the daemon rather than to a session.
///
/// Each enumeration is one label of one or more metrics, so a counter for each value exists from the start and
/// a typing mistake does not compile. The other lists are
/// with what they describe: core/session.hpp, core/error.hpp, core/api_health.hpp, core/poll_schedule.hpp.

#ifndef KALLGLOT_PORTS_METRIC_LABELS_HPP
#define KALLGLOT_PORTS_METRIC_LABELS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kallglot::labels {

/// Who told of a change of status.
enum class transition_source : std::uint8_t { poll, webhook };
inline constexpr std::array<std::string_view, 2> transition_source_names = {"poll", "webhook"};

/// Where a new session came from.
enum class added_by : std::uint8_t { file, api, webhook };
inline constexpr std::array<std::string_view, 3> added_by_names = {"file", "api", "webhook"};

/// Why an id was not tracked.
enum class rejected_for : std::uint8_t { invalid_id, limit };
inline constexpr std::array<std::string_view, 2> rejected_for_names = {"invalid_id", "limit"};

/// Why a session is no longer tracked.
enum class forgotten_for : std::uint8_t { ended, not_found, expired, operator_asked };
inline constexpr std::array<std::string_view, 4> forgotten_for_names = {"ended",
                                                                        "not_found",
                                                                        "expired",
                                                                        "operator"};

/// The position of a value in its list of names.
template <class Enum>
[[nodiscard]] constexpr std::size_t index(Enum value) noexcept {
    return static_cast<std::size_t>(value);
}

} // namespace kallglot::labels

#endif

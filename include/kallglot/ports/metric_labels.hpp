/// The closed lists of label values that belong to the daemon rather than to a session.
///
/// Each enumeration is one label of one or more metrics, so a counter for each value exists from the start and
/// a typing mistake does not compile. The other lists are
/// with what they describe: tracking/session.hpp, base/error.hpp, polling/api_health.hpp, polling/poll_schedule.hpp.

#ifndef KALLGLOT_PORTS_METRIC_LABELS_HPP
#define KALLGLOT_PORTS_METRIC_LABELS_HPP

#include "kallglot/base/vocabulary.hpp"

#include <cstddef>
#include <cstdint>

namespace kallglot::labels {

/// Who told of a change of status.
enum class transition_source : std::uint8_t { poll, webhook };
inline constexpr auto transition_source_words = make_vocabulary<transition_source>({
    {transition_source::poll, "poll"},
    {transition_source::webhook, "webhook"},
});

/// Why an id was not tracked.
enum class rejected_for : std::uint8_t { invalid_id, limit };
inline constexpr auto rejected_for_words = make_vocabulary<rejected_for>({
    {rejected_for::invalid_id, "invalid_id"},
    {rejected_for::limit, "limit"},
});

/// Why a session is no longer tracked.
enum class forgotten_for : std::uint8_t { ended, not_found, expired, operator_asked };
inline constexpr auto forgotten_for_words = make_vocabulary<forgotten_for>({
    {forgotten_for::ended, "ended"},
    {forgotten_for::not_found, "not_found"},
    {forgotten_for::expired, "expired"},
    {forgotten_for::operator_asked, "operator"},
});

/// The position of a value in its list of names.
template <class Enum>
[[nodiscard]] constexpr std::size_t index(Enum value) noexcept {
    return static_cast<std::size_t>(value);
}

} // namespace kallglot::labels

#endif

/// Finds out when an answer was made: now, or earlier, by a cache between the daemon and the API that stored it.
///
/// A stored answer shows the session as it was. It must not confirm that the session is still in its status. An answer
/// says how old it is (`Age`), that it was stored (`Cache-Status`, `X-Cache`, `Warning`), or shows it: its `Date` is older
/// than the request, or it has the `X-Request-ID` of the answer before. In doubt an answer counts as older, because a
/// late alert is better than a false one. Pure but for what it remembers of earlier answers.
///
/// Source: RFC 9110 section 6.6.1 (Date), RFC 9111 sections 4.2.3, 5.1 and 5.5 (Age, Warning), RFC 9211 (Cache-Status).

#ifndef KALLGLOT_POLLING_ANSWER_AGE_HPP
#define KALLGLOT_POLLING_ANSWER_AGE_HPP

#include "kallglot/base/time.hpp"
#include "kallglot/ports/api_client.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace kallglot {

/// Compares the `Date` of answers with the API's clock. Loop only.
class date_check {
public:
    /// By how much the answer is older than its request; 0 if rounding and the clocks of several servers explain it.
    ///
    /// The reference is the newest clock among the answers so far, because a stored answer can only be late. A clock that
    /// was set back is accepted when several answers in a row, over half a minute, agree on it.
    [[nodiscard]] steady_duration age_of(api_time date,
                                         steady_time sent,
                                         steady_time received) noexcept;

private:
    /// `Date` minus the steady clock.
    using offset = milliseconds;

    [[nodiscard]] bool accept_earlier(offset seen, steady_time received) noexcept;

    std::optional<offset> newest_;
    steady_time newest_at_ = no_time;
    offset earlier_{}; ///< what the last answers that looked old agree on
    steady_time earlier_since_ = no_time;
    unsigned earlier_count_ = 0;
};

/// When an answer was made.
struct answer_age {
    /// The session was as shown at this moment or later; no_time: nothing is known. The sending of a fresh answer.
    steady_time made = no_time;
    /// The field that shows that the answer was stored; empty if none does.
    std::string_view shown_by;

    [[nodiscard]] bool is_stored() const noexcept { return !shown_by.empty(); }
};

/// Loop only. Cost: 8 bytes a session, 512 KiB at most.
class answer_ages {
public:
    /// Takes each answer with a complete header, once.
    [[nodiscard]] answer_age of(const api_answer& answer);

private:
    [[nodiscard]] bool is_repeated(const api_answer& answer);

    date_check dates_;
    /// A hash of the last X-Request-ID, by the slot of the session. Sessions may share a place: then they hide each other's.
    std::vector<std::uint64_t> request_ids_;
};

} // namespace kallglot

#endif

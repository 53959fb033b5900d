/// What one replica learns of the account's API, for all of them: the API asked for a pause, or it refuses the key.
///
/// The row of the account has the end of the last pause, and the last verdict on a key. A replica reports with a beat what it
/// learns, and reads with each answer what the others learned. So after a 429 at one replica the others send what is on its way
/// at most, and of the replicas whose key is refused only one tries it again.
///
/// A verdict has a number, and a report is a compare-and-set on it: of several replicas that learn the same, the first reports
/// it, and what was sent before the last verdict says nothing against it.

#ifndef KALLGLOT_CLUSTER_ACCOUNT_WATCH_HPP
#define KALLGLOT_CLUSTER_ACCOUNT_WATCH_HPP

#include "kallglot/cluster/cluster_view.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace kallglot {

/// To be written with a beat. The database keeps the later end of both pauses. It takes the verdict, and gives it the next
/// number, if the number of the last one is still `expected_number`.
struct account_report {
    stored_moment paused_until = no_pause;
    bool has_verdict = false;
    key_verdict verdict;
    std::int64_t expected_number = 0;

    [[nodiscard]] bool operator==(const account_report&) const = default;
};

/// Loop only.
class account_watch {
public:
    /// The key that this replica uses from now on.
    void set_key(key_mark key) noexcept;

    [[nodiscard]] key_mark key() const noexcept { return key_; }

    // What this replica learns

    /// The API asked for a pause.
    void report_pause(stored_moment until) noexcept;

    /// A request proved the key good or refused. `number` is that of the verdict when the request was sent.
    void report_key(key_state state, std::int64_t number) noexcept;

    // What all learned

    void take(const account_row& row) noexcept;

    /// What is not yet in the row.
    [[nodiscard]] std::optional<account_report> report() const noexcept;

    /// Before this no replica sends a request.
    ///
    /// Errors: the database's clock may be wrong. The caller ends a pause no later than the longest that the API may ask for.
    [[nodiscard]] stored_moment paused_until() const noexcept { return row_.paused_until; }

    /// Of this replica's key, by the last verdict.
    [[nodiscard]] key_state state() const noexcept;

    /// The number of the last verdict, to be kept with each request.
    [[nodiscard]] std::int64_t number() const noexcept { return row_.number; }

    /// Whether the replica of `node` is the one that tries a refused key: the first by name that uses it and does not stop.
    [[nodiscard]] bool is_prober(std::span<const replica_row> rows,
                                 const std::string& node) const noexcept;

private:
    account_row row_;
    key_mark key_{};
    stored_moment pause_to_report_ = no_pause;
    std::optional<key_state> state_to_report_; ///< under the last verdict
};

} // namespace kallglot

#endif

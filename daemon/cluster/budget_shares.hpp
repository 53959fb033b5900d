/// Divides the account's budget of requests among the replicas: shares in parts per million that never add up to more.
///
/// A replica asks for a share with each beat. The database grants what the rows of the others leave, in the transaction
/// that locks the account. So a share grows only after another has shrunk or its replica is deleted. A replica that asks for
/// less uses less from that moment on, and uses more only when the answer says so.

#ifndef KALLGLOT_CLUSTER_BUDGET_SHARES_HPP
#define KALLGLOT_CLUSTER_BUDGET_SHARES_HPP

#include "kallglot/cluster/cluster_view.hpp"

#include <cstdint>
#include <span>

namespace kallglot {

inline constexpr std::int32_t whole_budget_ppm = 1'000'000;

/// The share that the replica of row `self` asks for: by urgent demand first, then by routine demand, and never below a
/// quarter of an equal part. A change below a twentieth of the present share is not worth it: then the present one.
///
/// `demand` is that of `self` now; the rows have that of the others at their last beats.
///
/// Units: `account_budget` in milli-requests a second, for all replicas together; 0 is not known.
[[nodiscard]] std::int32_t share_to_ask_for(std::span<const replica_row> rows,
                                            const replica_row& self,
                                            request_demand demand,
                                            std::int64_t account_budget) noexcept;

} // namespace kallglot

#endif

#include "cluster/budget_shares.hpp"

#include <algorithm>
#include <cstdlib>

namespace kallglot {

std::int32_t share_to_ask_for(std::span<const replica_row> rows,
                              const replica_row& self,
                              request_demand demand,
                              std::int64_t account_budget) noexcept {
    double urgent = demand.urgent;
    double routine = demand.routine;
    double count = 1;
    for (const replica_row& row : rows) {
        if (row.id != self.id) {
            urgent += row.demand.urgent;
            routine += row.demand.routine;
            ++count;
        }
    }
    // Routine demand counts by what the budget has left after all urgent demand.
    double routine_weight = 1;
    if (account_budget > 0 && routine > 0) {
        const double left = static_cast<double>(account_budget) - urgent;
        routine_weight = std::clamp(left / routine, 0.0, 1.0);
    }
    const double total = urgent + routine * routine_weight;
    const double own = demand.urgent + demand.routine * routine_weight;
    const double part = total > 0 ? own / total : 1 / count;
    const double least = 0.25 / count;
    const auto wanted =
        static_cast<std::int32_t>(whole_budget_ppm * (least + (1 - count * least) * part));
    return std::abs(wanted - self.share_ppm) < self.share_ppm / 20 ? self.share_ppm : wanted;
}

} // namespace kallglot

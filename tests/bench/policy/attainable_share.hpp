/// The bound of what any polling policy can spend of the requests that others leave.
///
/// A policy must keep as many requests as others may still send. What they do not send is free only at the end of the
/// window, and then the pace of our share limits how much of it can be spent. The bound is that of a policy that knows
/// the rates of others and the end of the window exactly, and sees each of their requests at once.

#ifndef KALLGLOT_TESTS_BENCH_POLICY_ATTAINABLE_SHARE_HPP
#define KALLGLOT_TESTS_BENCH_POLICY_ATTAINABLE_SHARE_HPP

#include "bench/policy/api_model.hpp"

namespace kallglot::policy {

/// Share of the requests that others leave, 0 to 1, over a day. Counts one refused request of others as much as 100,000 of
/// ours. Precondition: the account has a limit.
///
/// Cost: a tenth of a second; it computes the best decision for each state of a window.
[[nodiscard]] double attainable_share(const api_model_settings& settings);

} // namespace kallglot::policy

#endif

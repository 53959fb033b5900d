// Replacements of the C library's socket calls; a test chooses the call that fails.

#ifndef KALLGLOT_TEST_NET_FAILING_CALLS_HPP
#define KALLGLOT_TEST_NET_FAILING_CALLS_HPP

namespace kallglot::test {

/// Counts calls from now on; the `number`th (from 1; 0: none) fails with this `errno`. Calls for a server's sockets
/// never fail. One thread only.
void fail_call(int number, int error) noexcept;

/// Ends the failures and returns the number of calls.
int let_calls_pass() noexcept;

} // namespace kallglot::test

#endif

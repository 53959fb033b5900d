// The system's calls about sockets, one of which fails when a test says so. They stand in front of the C library's.

#ifndef KALLGLOT_TEST_NET_FAILING_CALLS_HPP
#define KALLGLOT_TEST_NET_FAILING_CALLS_HPP

namespace kallglot::test {

/// From now on calls are counted, and the `number`th (from 1; 0: none) fails with this `errno`. Those about a server's
/// sockets pass. One thread only.
void fail_call(int number, int error) noexcept;

/// Calls pass again: how many there were.
int let_calls_pass() noexcept;

} // namespace kallglot::test

#endif

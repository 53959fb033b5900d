#!/usr/bin/env python3
"""The daemon as a service: failures that may pass."""

from fault_case import Row, main, whole


class Service(Row):
    @whole
    def test_f4_failure_that_may_pass_is_retried_until_it_has_passed(self):
        """The listen address, a file or the folder of the store is missing at the start and appears much later
        systemd starts the daemon again for as long as it takes, at a growing distance. An operator may start or stop it at any
        time."""
        self.elsewhere('package_test', 'UnderSystemd.test_failure_that_may_pass_is_retried')
        self.figure('four starts at growing distances, a start by hand at once, a stop that lasts, a recovery')


if __name__ == '__main__':
    main()

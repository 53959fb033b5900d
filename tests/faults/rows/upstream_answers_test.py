#!/usr/bin/env python3
"""What the API says instead of a session."""

from fault_case import Row, main, whole

SESSIONS = 200


class Refusals(Row):
    @whole
    def test_u14_refused_keys_and_empty_accounts_change_no_session(self):
        """The API answers 401, 402, 403 to everything
        Every session keeps its last state; while the key is refused a request a step is sent, not one a session."""
        exporter = self.world(SESSIONS)
        asked = []
        for fault, reason, pauses in (('forbidden', 'unauthorized', True), ('payment_required', 'credits', False)):
            with self.survives(exporter, SESSIONS, 'kallglot_exporter_api_request_failures_total', {'reason': reason}):
                self.api.set_faults(**{fault: 1.0})
                exporter.until('it is told', lambda scrape, reason=reason: self.failures(scrape, reason) > 0)
                self.api.post('/_stats', {})
                self.for_a_while(5, exporter)
                asked.append(self.api.stats()['requests']['session'])
                if pauses:
                    self.assertLessEqual(asked[-1], 2)
                self.api.set_faults()
        self.figure(f'requests in 5 s at 800 due a second: {asked[0]} with 403, {asked[1]} with 402')


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""The arithmetic of the benchmarks, which no run would notice to be wrong."""

import unittest
import xml.dom.minidom

from measure import pace, plot
from measure.process import spread, told


class Arithmetic(unittest.TestCase):
    def test_quantile_counts_only_the_samples_between_two_scrapes(self):
        before = [(0.005, 100.0), (0.01, 100.0), (float('inf'), 100.0)]
        after = [(0.005, 150.0), (0.01, 200.0), (float('inf'), 200.0)]
        self.assertAlmostEqual(pace.quantile(before, after, 0.5), 0.005)
        self.assertAlmostEqual(pace.quantile(before, after, 0.25), 0.0025)
        self.assertAlmostEqual(pace.quantile(before, after, 0.99), 0.0099)

    def test_figure_is_printed_with_its_spread(self):
        self.assertEqual(told(spread([3.0, 1.0, 2.0])), '2.00 (1.00 to 3.00)')

    def test_picture_has_every_point(self):
        figures = {'1000 sessions, poll_us': spread([9.0]), '1000000 sessions, poll_us': spread([11.0]),
                   '1000 sessions, scrape_ms': spread([0.2]), '1000000 sessions, scrape_ms': spread([14.0]),
                   '10000 sessions, bytes_each': 140, '1000000 sessions, bytes_each': 130,
                   '64 connections, poll_us': spread([9.0]), '5000 connections, poll_us': spread([13.0])}
        picture = xml.dom.minidom.parseString(plot.growth_picture(figures))
        self.assertEqual(len(picture.getElementsByTagName('circle')), 8)


if __name__ == '__main__':
    unittest.main()

"""Shared parts of the end-to-end tests: programs, waiting, HTTP, configurations, expositions."""

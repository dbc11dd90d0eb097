"""Measurements of speed and of leaks: deterministic, seeded, and no part of the tests or of the wheel."""

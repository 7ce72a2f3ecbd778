"""Measures and tests the promises of flamelet: bench, faults, fuzz, endurance."""

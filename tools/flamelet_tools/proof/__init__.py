"""Measures and proves: bench, faults, fuzz, endurance."""

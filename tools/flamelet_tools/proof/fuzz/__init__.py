"""Feeds the parsers with invalid bytes."""

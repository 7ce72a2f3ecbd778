"""Simulates endpoints of Firebase Express SDK."""

"""Simulates the Realtime Database: its tree, queries, rules and streams."""

"""Plays the Realtime Database: its tree, queries, rules, streams."""

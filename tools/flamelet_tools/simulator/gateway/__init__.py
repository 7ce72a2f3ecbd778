"""Plays endpoints of Firebase Express SDK."""

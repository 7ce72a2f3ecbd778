"""Simulates Google's Identity Toolkit, Secure Token and OAuth2."""

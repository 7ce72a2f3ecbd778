"""Runs a device for long: a year, lifetimes of tokens, power cuts, a million pushes."""

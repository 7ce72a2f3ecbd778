"""Runs a device for a long time: a year, lifetimes of tokens, power cuts, a million pushes."""

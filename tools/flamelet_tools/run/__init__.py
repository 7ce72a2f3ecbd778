"""Runs main.py beside the simulator, and shows both."""

"""Runs main.py beside the simulator, and shows what both of them do."""

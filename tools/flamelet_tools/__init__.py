"""Holds the tools of flamelet for a computer: the simulator, and the subcommands of the `flamelet` command."""

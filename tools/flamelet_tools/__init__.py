"""The tools of flamelet for the desk: the simulator, and the subcommands of the `flamelet` command."""

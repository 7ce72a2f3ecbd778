"""Makes and checks the tokens of devices, for `flamelet mint`."""

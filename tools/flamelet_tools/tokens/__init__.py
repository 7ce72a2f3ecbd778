"""Makes and checks the tokens of devices: mint, and what stands behind it."""

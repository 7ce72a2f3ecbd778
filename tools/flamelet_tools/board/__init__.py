"""Works on a board that is connected: flash, provision, deploy, monitor."""

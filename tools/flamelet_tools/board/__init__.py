"""Works on a board that is connected by USB: flash, provision, deploy, monitor."""

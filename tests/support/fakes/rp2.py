"""rp2: the button BOOTSEL."""

import world


def bootsel_button():
    return 1 if world.read().get("button") else 0

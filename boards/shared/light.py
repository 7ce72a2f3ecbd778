"""Shows the state of the device, or the user's command, on the light of a board.

In: a function that switches the light, states and commands. Out: the light, which each call of step() moves on: call it
several times a second. Nothing here waits or allocates.

A pattern has 16 slots of an eighth of a second; the lowest bit is the first.
"""

import time

from micropython import const

PATTERNS = {
    "connecting": 0x00FF,  # slow: one second on, one off
    "offline": 0x0005,  # two flashes
    "waiting": 0x0001,  # one flash
    "error": 0x0015,  # three flashes
    "safe": 0x5555,  # fast
    "off": 0x0000,
}
_IDENTIFY = const(0x3333)
_IDENTIFY_MS = const(5000)

_switch = None
_pattern = 0  # -1: what the user commanded
_is_commanded = False
_is_lit = None  # not known yet
_begun = _identified = time.ticks_ms()
_is_identifying = False


def use(switch) -> None:
    """Use `switch`, which is called with True or False; None if the board has no light."""
    global _switch, _is_lit
    _switch, _is_lit = switch, None


def led(on: bool) -> None:
    """Switch the light by the user's command; it shows while there is nothing else to show."""
    global _is_commanded
    _is_commanded = on
    step()


def identify() -> None:
    """Blink for some seconds to show which board this is."""
    global _identified, _is_identifying
    _identified, _is_identifying = time.ticks_ms(), True
    step()


def status(state: str) -> None:
    """Show a state of PATTERNS; every other state, such as "online", shows the user's command."""
    global _pattern
    _pattern = PATTERNS.get(state, -1)
    step()


def step() -> None:
    """Move the pattern on."""
    global _is_lit, _is_identifying
    now = time.ticks_ms()
    pattern = _pattern
    _is_identifying = _is_identifying and time.ticks_diff(now, _identified) < _IDENTIFY_MS
    if _is_identifying:
        pattern = _IDENTIFY
    is_on = _is_commanded if pattern < 0 else pattern >> (time.ticks_diff(now, _begun) >> 7 & 15) & 1 == 1
    if is_on != _is_lit and _switch:
        _is_lit = is_on
        _switch(is_on)

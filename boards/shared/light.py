"""The light of a board: shows what the device does, and what the user commanded.

In: a function that switches the light, states and commands. Out: the light, moved on by each call of step(): call it
some times a second. Nothing waits here, nothing allocates.

A pattern is 16 slots of an eighth of a second, the first one in the lowest bit.
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
    """Take `switch`, which is called with True or False, or None where a board has no light."""
    global _switch, _is_lit
    _switch, _is_lit = switch, None


def led(on: bool) -> None:
    """Switch the light of the user's command; it is seen while nothing else is to be shown."""
    global _is_commanded
    _is_commanded = on
    step()


def identify() -> None:
    """Show for some seconds which board this is."""
    global _identified, _is_identifying
    _identified, _is_identifying = time.ticks_ms(), True
    step()


def status(state: str) -> None:
    """Show a state, one of PATTERNS; every other one, as "online", shows what the user commanded."""
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

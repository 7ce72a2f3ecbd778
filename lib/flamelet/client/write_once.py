"""A write whose key is made within the call: it is repeated under the same key, but whoever calls again writes another.

So what stays in doubt is told as OutcomeUnknown, also where a repeated request would be the same as one.
"""

from .. import FlameletError


def write_once(ask):
    """Flow: what the flow `ask(repeatable)` returns."""
    try:
        return (yield from ask(False))
    except FlameletError as error:
        from ..errors import OutcomeUnknown

        if not isinstance(error, OutcomeUnknown):
            raise
        lost = error
    try:
        return (yield from ask(True))
    except FlameletError:
        # Whatever became of the repeat, the first one may have happened.
        raise lost

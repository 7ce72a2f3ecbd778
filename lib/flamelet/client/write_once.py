"""Repeats a write whose key is made within the call: under the same key, while another call would write another value.

So if it stays unknown whether it was written, OutcomeUnknown is raised, though the request itself is idempotent.
"""

from .. import FlameletError


def write_once(ask):
    """Flow: run the flow `ask(repeatable)`, twice if the answer is lost. Returns its result."""
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
        # Whatever the repeat did, the first one may have happened.
        raise lost

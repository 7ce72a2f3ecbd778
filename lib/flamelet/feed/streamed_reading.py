"""Prepares readings whose answers have a body, which is checked piece by piece and not collected."""

from ..wire.http1 import BODY, HEAD
from .feed import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class StreamedReading(Reading):
    """A subclass has `look(connection)`, which is called for each piece of the answer, at response.piece_start."""

    look: "Callable[..., None]"

    def begin(self, connection, row):
        """Write the reading and begin the exchange, if that can be done at once. Returns whether it did."""
        if not super().begin(connection, row):
            return False
        connection.streamed = True
        return True

    def step(self, connection):
        """Move the exchange on, past the pieces of the answer. Returns DONE, FAILED, or what it waits for."""
        code = connection.step()
        while code == HEAD or code == BODY:
            if code == BODY:
                self.look(connection)
            code = connection.step()
        return code

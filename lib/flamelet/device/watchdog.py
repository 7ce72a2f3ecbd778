"""Watches the program of a device: without progress, it restarts the network, then the device.

In: failures and successes. Out: a restart of the network after `patience` seconds in which nothing succeeded, and one
of the device after as many more. The reason is kept across the restart, in one file, and written with the first state
that arrives, to `devices/<id>/restarts/<key>`. A refusal is not a lack of progress: a restart would not fix it.
"""

import os

from ..core.runtime import ticks_diff, ticks_ms

_FILE = "/restart.txt"


class Progress:
    """Watches the progress of `device`, a `Device`."""

    def __init__(self, device, patience: float) -> None:
        self._device = device
        self._patience_ms = int(patience * 1000)
        self._since = ticks_ms()  # when the trouble began
        self._is_stuck = False
        self._why = ""
        self._is_second = False  # the network has been restarted
        self._file = device.storage + _FILE if device.storage else ""

    def succeeded(self) -> None:
        """Note that the server has answered."""
        self._is_stuck = self._is_second = False

    def failed(self, error) -> None:
        """Note a failure of something that may succeed later."""
        self._why = str(error)
        if not self._is_stuck:
            self._is_stuck = True
            self._since = ticks_ms()

    def look(self) -> None:
        """Restart the network or the device, if it is time."""
        if not self._is_stuck or ticks_diff(ticks_ms(), self._since) < self._patience_ms:
            return
        board = self._device.board
        reason = "no progress for %d s: %s" % (self._patience_ms // 1000, self._why)
        if self._is_second:
            self.restart(reason)
        self._is_second = True
        self._since = ticks_ms()
        board.report("stalled", reason)
        board.restart_network(reason)

    def restart(self, reason: str) -> None:
        """Restart the device, and keep why."""
        if self._file:
            try:
                with open(self._file, "w") as file:
                    file.write(reason)
            except OSError as error:
                self._device.board.report("error", "cannot write the reason of the restart (%s)" % error)
        self._device.readings.close()
        self._device.board.report("stalled", reason)
        self._device.board.restart(reason)

    def kept(self) -> str:
        """Return why the device restarted itself the last time, or "" if it did not."""
        try:
            with open(self._file) as file:
                return file.read()
        except OSError:
            return ""

    def forget(self) -> None:
        """Remove the reason of the restart: it was reported."""
        os.remove(self._file)

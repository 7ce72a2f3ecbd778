"""Sends what the program of a device measures, and keeps it in an outbox while it cannot be sent.

In: rows of the board's sensors. Out: one push for each, as long as the server answers. A reading that could not be
sent, and all that follow it, go into the outbox, and are sent from there in batches. The outbox is opened when it is
needed: a device whose network never fails does not pay for it.

Memory: one row, and the outbox; between its opening and the first flush a second feed.
"""

import os

from .. import FlameletError
from ..aio.pump import sleep_ms
from ..core.backoff import Backoff
from ..core.runtime import const, ticks_diff, ticks_ms

_SLICE = const(25)  # milliseconds
_TURN = const(1000)  # milliseconds for a stream between two batches, if both share one connection
_OUTBOX_BYTES = const(65536)


class Readings:
    """Sends the readings of `device`, a `Device`; `sent`: how many the server has."""

    def __init__(self, device, config: dict) -> None:
        self._device = device
        self._size = config.get("outbox", _OUTBOX_BYTES)
        self._post = config.get("post", False)
        self._path = device.path + "/telemetry"
        if device.is_gateway:
            self._path = config["readings"] or self._path
        self.feed = self._new_feed(None)
        self._is_sending = False  # the request of the feed holds a reading
        self._lost = self.sent = 0
        self._dropped = 0  # how many of them were reported
        self._error: object = None  # of the flash, as reported
        self._kept = None  # the feed with the outbox
        storage = device.storage
        # A POST must not be sent twice, and from flash it could be.
        self._folder = storage + "/outbox" if storage and self._size and not self._post else ""
        if self._folder and _is_used(self._folder):
            self.open()

    def _new_feed(self, outbox):
        device = self._device
        arguments = (self._post,) if device.is_gateway else ()
        # Without an outbox, none is passed: then nothing is loaded for it.
        options = {"outbox": outbox} if outbox else {}
        return device.database.feed(self._path, device.board.FIELDS, *arguments, **options)

    def open(self, rtc=None):
        """Return the feed with the outbox, which is opened if it is not yet."""
        if not self._kept:
            from ..outbox import outbox

            try:
                kept = outbox.Outbox(self._folder, rtc, size=self._size or _OUTBOX_BYTES)
            except OSError as error:
                self._device.board.report("error", "no outbox in %s (%s): readings wait in RAM" % (self._folder, error))
                kept = outbox.Outbox()
            self._kept = self._new_feed(kept)
        return self._kept

    @property
    def outbox(self):
        """The outbox, or None if there is none yet."""
        return self._kept.outbox if self._kept else None

    @property
    def waiting(self) -> int:
        """How many readings the server has not answered for."""
        return self._is_sending + (self._kept.outbox.waiting if self._kept else 0)

    @property
    def not_sent(self) -> int:
        """How many readings are lost, or would be if the program ended now."""
        lost = self._lost + self._is_sending
        if self._kept:
            outbox = self._kept.outbox
            lost += outbox.dropped + outbox.refused + outbox.unknown + outbox.pending
        return lost

    def take(self, row) -> None:
        """Take a reading, which gets its key now; it is sent at once if nothing waits before it."""
        if self.waiting:
            return self.keep(row)
        feed = self.feed
        feed.reading.check(row)
        feed.reading.prepare()
        try:
            feed.reading.write(row)
            self._is_sending = True
        except FlameletError as error:
            if not error.retry:
                self._lost += 1
                raise
            # The clock is not set.
            self.keep(row)

    def keep(self, row) -> None:
        """Put a reading into the outbox."""
        self.open().record_row(row)

    def close(self) -> None:
        """Make durable what waits."""
        if self._is_sending and self._folder:
            self._keep_pending()
        if self._kept:
            self._kept.outbox.close()

    async def send(self) -> None:
        """Send readings for ever."""
        device = self._device
        backoff = Backoff()
        while True:
            error = None
            try:
                if self._is_sending and self._folder and device.is_online is False:
                    # It has to wait: on flash, so a power cut does not lose it.
                    self._keep_pending()
                if self.waiting and device.is_up:
                    await self._send_next()
                    backoff.reset()
                    continue
            except device.TROUBLE as trouble:
                error = trouble
                device.note(error)
                device.board.status("waiting")
            await self._wait(backoff.wait(error) if error else _SLICE)

    async def _wait(self, ms):
        """Wait for a reading or before the next attempt; what is old enough is written to flash meanwhile."""
        start = ticks_ms()
        left = ms
        while left >= 0:
            try:
                if self._kept:
                    self._look_after(self._kept.outbox)
            except self._device.TROUBLE as error:
                self._device.note(error)
            await sleep_ms(min(left, _TURN))
            left = ms - ticks_diff(ticks_ms(), start)

    def _look_after(self, outbox):
        outbox.commit_if_due()
        if outbox.error is not self._error:
            self._error = outbox.error
            if self._error:
                text = "the flash fails (%s): readings wait in RAM, where a power cut loses them"
                self._device.board.report("error", text % self._error)

    async def _send_next(self):
        if not self._device.has_state:
            await self._device.write_state()
        if self._is_sending:
            await self._push()
        else:
            await self.flush(1)
        self._device.note(None)

    async def _push(self):
        try:
            await self.feed.repeat()
            self._is_sending = False
            self.sent += 1
        except FlameletError as error:
            if self._post and error.status == 0 and not error.retry:
                # It may have arrived, and a repeat could make a second one.
                self._is_sending = False
                self._lost += 1
            else:
                self._keep_pending()
            raise

    def _keep_pending(self):
        """Put the reading that was sent but not answered into the outbox, under its key."""
        self.open().keep(self.feed)
        self._is_sending = False

    async def flush(self, batches: int = 0) -> None:
        """Send what waits in the outbox."""
        # heap: from now on this feed also pushes, since a request takes more than a kilobyte.
        kept = self.feed = self.open()
        outbox = kept.outbox
        before = outbox.refused
        self.sent += await kept.flush(batches)
        if outbox.refused > before:
            self._device.board.report("error", "%d refused: %s" % (outbox.refused - before, outbox.refusals()[-1][1]))
        if outbox.dropped > self._dropped:
            self._dropped = outbox.dropped
            self._device.board.report("error", "%d readings dropped so far: the outbox was full" % self._dropped)
        if self._device.has_one_connection:
            # RAM has no room for what is measured in a long pause.
            await sleep_ms(_TURN if outbox.is_flash and outbox.waiting else _SLICE)

    async def drain(self, ms: int) -> None:
        """Wait until the last readings are sent, as long as the server answers; at most `ms` milliseconds."""
        start = ticks_ms()
        while self.waiting and self._device.is_online is not False and ticks_diff(ticks_ms(), start) < ms:
            await sleep_ms(_SLICE // 2)


def _is_used(folder):
    try:
        return any([name.endswith(".out") for name in os.listdir(folder)])
    except OSError:
        return False

"""Runs the program of a device: it sends readings and executes commands. `main.py` starts it with a board.

In: a board, a module with the functions of `boards/desktop/board.py`. Out, in a Realtime Database:

- `devices/<id>/telemetry/<key>`: a reading of every sensor, each interval;
- `devices/<id>/state`: what the device is doing, written at the start and with every answer;
- `devices/<id>/commands/<key>`: `{"name": ..., "value": ...}`, written by others, each under a key of its own;
- `devices/<id>/answers/<key>`: the result. The answer, the new state and the removal of the command are one write, so a
  command is executed once, even across a reconnect, and removed only when its answer has arrived;
- `devices/<id>/restarts/<key>`: why the device restarted itself.

With `"service": "gateway"` in the configuration the readings go to an endpoint of Firebase Express SDK, and that is
all: such a server has no streams, so there are no commands and no state.

It measures with or without a network: see readings.py. The other parts are commands.py, watchdog.py, and sleep.py for a
device that sleeps.
"""

import asyncio
import gc

from .. import FlameletError, aio
from ..auth.token import Token
from ..core import push_id as _push_id
from ..core.backoff import Backoff
from ..core.runtime import BEFORE_HANDSHAKE, MICROPYTHON, const, epoch_ms, ticks_add, ticks_diff, ticks_ms
from ..net.transport import Timeouts
from .commands import Commands
from .readings import Readings
from .watchdog import Progress

_SLICE = const(100)  # milliseconds: how soon a new interval is noticed
_WATCH = const(250)
_STARTED = const(60000)  # a program that ran so long has started well
_ASK_CLOCK = const(5000)
_DRIFT = const(43200000)  # milliseconds, half a day, after which the clock is set again
_PATIENCE = const(600)  # seconds
_DRAIN = const(8000)
_WRONG = const(120000)  # milliseconds that a clock may be wrong


def run(board) -> None:
    """Run the program until the configured count of readings is reached, the board asks to stop, or Ctrl-C."""
    if MICROPYTHON:
        gc.threshold(4096)  # collected often, the heap is not fragmented, and TLS finds room in it
    try:
        device = Device(board, board.config())
    except (ValueError, FlameletError) as error:
        board.report("error", error)
        raise SystemExit(2)
    try:
        asyncio.run(device.main())
    except KeyboardInterrupt:
        # The user ended it: only the summary is left.
        device.stopped = True
    finally:
        device.close()


class Device:
    """Holds what the tasks of the program share. `config`: see the board's `config()`."""

    TROUBLE = (FlameletError, OSError, MemoryError)  # errors that a task survives and reports

    def __init__(self, board, config: dict) -> None:
        self.board = board
        self._config = config
        self.interval_ms = int(config["interval"] * 1000)
        self.count = config["count"]
        self.path = "devices/" + config["device"]
        self.has_one_connection = config["connections"] == 1
        self.database = _service(config)(
            config["url"],
            to_token(config["token"]),
            ca=config["ca"],
            budget=config["connections"],
            timeouts=Timeouts(connect=8000, handshake=10000, first_byte=8000, answer=20000),
        )
        self.is_gateway = not isinstance(self.database, aio.Database)
        self.storage = board.storage()
        self.stopped = self.is_up = self._is_closed = False
        self.measured = 0
        self.is_online: object = None  # not known yet
        self.has_state = self.is_gateway
        self.readings = Readings(self, config)
        self.commands = Commands(self)
        self._progress = Progress(self, config.get("patience", _PATIENCE))
        self._has_started = False
        self._tasks: list = []
        self._clock_due = self._born = ticks_ms()

    def close(self) -> None:
        """Close everything, and report a summary."""
        if self._is_closed:
            return
        self._is_closed = True
        BEFORE_HANDSHAKE.clear()
        self.readings.close()
        self.database.close()
        readings = self.readings
        text = "%d sent, %d not sent, %d commands" % (readings.sent, readings.not_sent, self.commands.obeyed)
        durable = readings.waiting - readings.outbox.pending if readings.outbox else 0
        self.board.report("summary", "%s, %d wait" % (text, durable) if durable else text)

    async def main(self) -> None:
        """Measure until the count is reached, while other tasks send, execute commands and watch."""
        board = self.board
        names = ", ".join([name for name, _ in board.FIELDS])
        board.report("start", "%s, a reading of %s" % (self.path, names))
        if self._config.get("watchdog"):
            board.start_watchdog()
            BEFORE_HANDSHAKE.append(board.feed_watchdog)
        tasks = [asyncio.create_task(self._watch())]
        if self._config.get("mode") == "sleep":
            from . import sleep as _wake

            return await _wake.run(self, self._config)
        tasks.append(asyncio.create_task(self.connect(True)))
        tasks.append(asyncio.create_task(self.readings.send()))
        if not self.is_gateway:
            tasks.append(asyncio.create_task(self._obey()))
        self._tasks = tasks
        try:
            await self._measure()
        finally:
            self.stopped = True
            for task in tasks:
                task.cancel()

    async def _obey(self):
        # heap: after the first write, since two requests at a time would take more.
        while not self.has_state:
            await aio.sleep_ms(_SLICE)
        await self.commands.obey()

    # The network, and the time.

    async def connect(self, forever: bool = False) -> None:
        """Bring the network up; with `forever`, keep it up."""
        board = self.board
        backoff = Backoff()
        while True:
            error = None
            try:
                is_up = board.connect()
            except OSError as trouble:
                is_up = False
                error = trouble
            if not is_up and (self.is_up or self.is_online is None):
                board.status("connecting")
            self.is_up = is_up
            if error:
                self._note_loss(error)
                await self.pause(backoff.wait(error))
                continue
            if is_up:
                backoff.reset()
                self._ask_clock()
                if not forever:
                    return
            await aio.sleep_ms(_WATCH if is_up else _SLICE // 2)

    def _ask_clock(self):
        now = ticks_ms()
        if ticks_diff(now, self._clock_due) >= 0:
            # The clock of a board drifts by seconds a day.
            self._clock_due = ticks_add(now, _DRIFT if self.board.synchronize_clock() else _ASK_CLOCK)

    def _correct_clock(self):
        """Set the clock of the board, if an answer over TLS has shown that it is wrong."""
        if not any(_push_id.offset):
            return
        from ..core.clock import corrected

        clock = epoch_ms()
        now = corrected(clock)
        if now != clock:
            self.board.set_clock(now // 1000)
            if abs(epoch_ms() - now) < _WRONG:
                _push_id.offset[1] = 0
                _push_id.forget()

    # Measuring.

    async def _measure(self):
        due = ticks_ms()
        while self._goes_on():
            self._take(self.board.read_sensors())
            await self._until(due)
            due = ticks_add(due, self.interval_ms)
            if ticks_diff(ticks_ms(), due) > self.interval_ms:
                due = ticks_ms()  # late: measure from now on, instead of catching up
        await self.readings.drain(_SLICE if self.stopped else _DRAIN)

    def _goes_on(self):
        self.stopped = self.stopped or self.board.stop_requested()
        return not self.stopped and (not self.count or self.measured < self.count)

    def _take(self, row):
        self.measured += 1
        names = self.board.FIELDS
        self.board.report("reading", " ".join(["%s=%s" % (names[i][0], row[i]) for i in range(len(row))]))
        try:
            self.readings.take(row)
        except self.TROUBLE as error:
            self.note(error)

    async def _until(self, since):
        """Wait until one interval after `since`; the interval may change meanwhile."""
        while self._goes_on():
            left = ticks_diff(ticks_add(since, self.interval_ms), ticks_ms())
            if left <= 0:
                return
            await aio.sleep_ms(min(left, _SLICE))

    # Reports to the server and the user.

    async def write_state(self) -> None:
        """Write the state and why the device restarted. If that is refused, readings are sent all the same."""
        reason = self._progress.kept()
        values: dict = {"state": self.state()}
        if reason:
            from ..rtdb.push import new_key

            restart = {"reason": reason, "cause": self.board.reset_cause(), "at": {".sv": "timestamp"}}
            values["restarts/" + new_key()] = restart
        try:
            await self.database.update(self.path, values)
            if reason:
                self._progress.forget()
        except FlameletError as error:
            if error.retry:
                raise
            self.note(error)
        self.has_state = True

    def state(self) -> dict:
        """Return the state of the device, as it is written to the server."""
        board = self.board
        state = {"board": board.NAME, "interval": self.interval_ms / 1000, "led": self.commands.light}
        state["reset"] = board.reset_cause()
        if board.signal_strength() is not None:
            state["rssi"] = board.signal_strength()
        state["at"] = {".sv": "timestamp"}
        return state

    def note(self, error) -> None:
        """Report `error` to the user and the watchdog, or, if it is None, that the server answered."""
        if error is None:
            if not self.is_online:
                self.board.report("online", self.path)
                self.board.status("online")
            self.is_online = True
            self._progress.succeeded()
            self._correct_clock()
            self._start_well()
        elif not getattr(error, "retry", False):
            if type(error).__name__ == "TLSError":
                # If the clock is wrong, a valid certificate is refused.
                self._clock_due = ticks_ms()
            self.board.report("error", error if isinstance(error, FlameletError) else repr(error))
            self.board.status("error")
            if not isinstance(error, FlameletError):
                self._progress.failed(repr(error))
        else:
            self._note_loss(error)

    def _note_loss(self, error):
        if self.is_online is not False:
            self.board.report("offline", error)
        self.board.status("offline")
        self.is_online = False
        self._progress.failed(error)

    async def pause(self, ms: int) -> None:
        """Wait before the next attempt; the light shows it."""
        self.board.status("waiting")
        await aio.sleep_ms(ms)

    async def _watch(self):
        """Feed the watchdog as long as every task is alive, and check that there is progress."""
        while True:
            self.board.feed_watchdog()
            self._progress.look()
            for task in self._tasks:
                if task.done():
                    self._progress.restart("a task of the program has ended")
            if ticks_diff(ticks_ms(), self._born) > _STARTED:
                self._start_well()
            await aio.sleep_ms(_WATCH)

    def _start_well(self):
        if not self._has_started:
            self._has_started = True
            self.board.started()


def _service(config):
    return aio.Gateway if config.get("service") == "gateway" else aio.Database


def to_token(token):
    """Return the token of a configuration: None, its text, or the name of a JSON file."""
    return Token.load(token) if isinstance(token, str) and token.endswith(".json") else token

"""The program of a device: readings out, commands in. `main.py` starts it, given a board.

In: a board, i.e. a module with the functions of `boards/desktop/board.py`. Out, in a Realtime Database:

- `devices/<id>/telemetry/<key>`: a reading of every sensor, each interval;
- `devices/<id>/state`: what the device is doing, written at the start and with every answer;
- `devices/<id>/commands/<key>`: `{"name": ..., "value": ...}`, written by others, each under a key of its own;
- `devices/<id>/answers/<key>`: what came of it. The answer, the new state and the removal of the command are one
  write, so a command is executed once, also across a reconnect, and removed only when its answer has arrived;
- `devices/<id>/restarts/<key>`: why the device restarted itself.

With `"service": "gateway"` in the configuration the readings go to an endpoint of Firebase Express SDK, and that is
all: such a server has no streams, so there are no commands, and no state.

It measures whether or not there is a network: see readings.py. What else it does: commands.py, watchdog.py, and
sleep.py for a device that sleeps.
"""

import asyncio
import gc

from .. import FlameletError, aio
from ..auth.token import Token
from ..core import push_id as _push_id
from ..core.backoff import Backoff
from ..core.runtime import MICROPYTHON, const, epoch_ms, ticks_add, ticks_diff, ticks_ms
from ..net.transport import BEFORE_HANDSHAKE, Timeouts
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
        gc.threshold(4096)  # collected often, the heap stays in one piece, and TLS finds room in it
    try:
        device = Device(board, board.config())
    except (ValueError, FlameletError) as error:
        board.report("error", error)
        raise SystemExit(2)
    try:
        asyncio.run(device.main())
    except KeyboardInterrupt:
        # The person ended it: what remains is to say what was done.
        device.stopped = True
    finally:
        device.close()


class Device:
    """What the tasks of the program share. `config`: see the board's `config()`."""

    TROUBLE = (FlameletError, OSError, MemoryError)  # what a task survives, and tells

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
        """Close what is open, and tell the person what was done."""
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
        """Measure until the count is reached, while other tasks send, obey and watch."""
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
        # After the first write: two requests at the same time would take more of the heap.
        while not self.has_state:
            await aio.sleep_ms(_SLICE)
        await self.commands.obey()

    # The network, and the time.

    async def connect(self, forever: bool = False) -> None:
        """Bring the network up; `forever`: and keep it up."""
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
        """The clock of the board is wrong by so much, says an answer that was verified."""
        if not any(_push_id.offset):
            return
        from ..core.clock import corrected

        told = epoch_ms()
        now = corrected(told)
        if now != told:
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
                due = ticks_ms()  # time was lost: measure on from now, instead of hurrying after it
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
        """Until one interval after `since`; the interval may change meanwhile."""
        while self._goes_on():
            left = ticks_diff(ticks_add(since, self.interval_ms), ticks_ms())
            if left <= 0:
                return
            await aio.sleep_ms(min(left, _SLICE))

    # What the server and the person are told.

    async def write_state(self) -> None:
        """Write the state, once, and why the device restarted; if that is refused the readings may be welcome still."""
        reason = self._progress.kept()
        values: dict = {"state": self.state()}
        if reason:
            from ..rtdb.push import new_key

            told = {"reason": reason, "cause": self.board.reset_cause(), "at": {".sv": "timestamp"}}
            values["restarts/" + new_key()] = told
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
        """What the device is doing."""
        board = self.board
        state = {"board": board.NAME, "interval": self.interval_ms / 1000, "led": self.commands.light}
        state["reset"] = board.reset_cause()
        if board.signal_strength() is not None:
            state["rssi"] = board.signal_strength()
        state["at"] = {".sv": "timestamp"}
        return state

    def note(self, error) -> None:
        """Tell the person, and the watchdog, when the server is lost or found: `error` is None where it answered."""
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
                # A certificate looks wrong where the clock is.
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
        """Wait before the next try; the light shows it, and the watchdog is fed."""
        self.board.status("waiting")
        await aio.sleep_ms(ms)

    async def _watch(self):
        """Feed the watchdog as long as every task is alive, and see that there is progress."""
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
    """The token of a configuration: None, its text, or the name of a JSON file."""
    return Token.load(token) if isinstance(token, str) and token.endswith(".json") else token

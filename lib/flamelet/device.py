"""The program of a device: readings out, commands in. `main.py` starts it, given a board.

In: a board, i.e. a module with the functions of `boards/desktop/board.py`. Out, in a Realtime Database:

- `devices/<id>/telemetry/<key>`: a reading of every sensor, each interval;
- `devices/<id>/state`: what the device is doing, written at the start and with every answer;
- `devices/<id>/commands/<key>`: `{"name": ..., "value": ...}`, written by others, each under a key of its own;
- `devices/<id>/answers/<key>`: what came of it. The answer, the new state and the removal of the command are one
  write, so a command is executed once, also across a reconnect, and removed only when its answer has arrived.

With `"service": "gateway"` in the configuration the readings go to an endpoint of Firebase Express SDK, and that is
all: such a server has no streams, so there are no commands, and no state.

A device that loses the server goes on measuring. A few readings wait for the connection; those that no longer fit,
and those that were refused, are counted and said.

Memory: `_WAITING` readings, `_RECENT` keys of answered commands, one feed, one stream.
"""

import asyncio
import gc

from . import FlameletError, aio
from ._runtime import MICROPYTHON, const, getrandbits, ticks_add, ticks_diff, ticks_ms
from ._transport import Timeouts
from .auth import Token

_WAITING = const(8)
_RECENT = const(16)
_SLICE = const(100)  # milliseconds: how soon a new interval is noticed
_LONGEST_PAUSE = const(30000)
_LONGEST_INTERVAL = const(86400)
_TROUBLE = (FlameletError, OSError, MemoryError)  # what a task survives, and tells


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

    def __init__(self, board, config: dict) -> None:
        self.board = board
        self.interval_ms = int(config["interval"] * 1000)
        self.count = config["count"]
        self.path = "devices/" + config["device"]
        self.database = _service(config)(
            config["url"],
            to_token(config["token"]),
            ca=config["ca"],
            budget=config["connections"],
            timeouts=Timeouts(connect=8000, handshake=10000, first_byte=8000, answer=20000),
        )
        self._is_gateway = not isinstance(self.database, aio.Database)
        if self._is_gateway:
            path = config["readings"] or self.path + "/telemetry"
            self.feed = self.database.feed(path, board.FIELDS, config["post"])
        else:
            self.feed = self.database.feed(self.path + "/telemetry", board.FIELDS)
        self.stopped = False
        self.measured = self.sent = self.not_sent = self.obeyed = 0
        self._light = False
        self._online: object = None  # not known yet
        self._waiting: list = []
        self._row = None  # the reading that is on its way
        self._has_state = self._is_gateway
        self._answers: dict = {}  # of commands whose answer has not arrived yet
        self._recent: list = []  # keys of commands whose answer has

    def close(self) -> None:
        """Close what is open, and tell the person what was done."""
        self.database.close()
        self.not_sent += len(self._waiting) + (self._row is not None)
        self.board.report("summary", "%d sent, %d not sent, %d commands" % (self.sent, self.not_sent, self.obeyed))

    async def main(self) -> None:
        """Measure until the count is reached, while two tasks send and obey."""
        names = ", ".join([name for name, _ in self.board.FIELDS])
        self.board.report("start", "%s, a reading of %s" % (self.path, names))
        await self._connect()
        tasks = [asyncio.create_task(self._send())]
        if not self._is_gateway:
            tasks.append(asyncio.create_task(self._obey()))
        try:
            await self._measure()
        finally:
            self.stopped = True
            for task in tasks:
                task.cancel()

    async def _connect(self):
        attempt = 0
        while True:
            try:
                self.board.connect()
                break
            except OSError as error:
                self.board.report("offline", error)
                attempt += 1
                await aio.sleep_ms(_pause(attempt))
        if not self.board.synchronize_clock():
            self.board.report("error", "the clock is not set; the first answer of the server sets it")

    # Readings out.

    async def _measure(self):
        due = ticks_ms()
        while self._goes_on():
            self._keep(self.board.read_sensors())
            await self._until(due)
            due = ticks_add(due, self.interval_ms)
            if ticks_diff(due, ticks_ms()) < 0:
                due = ticks_ms()  # time was lost: measure on from now, instead of hurrying after it
        await self._drain()

    def _goes_on(self):
        self.stopped = self.stopped or self.board.stop_requested()
        return not self.stopped and (not self.count or self.measured < self.count)

    def _keep(self, row):
        self.measured += 1
        if len(self._waiting) == _WAITING:
            self._waiting.pop(0)
            self.not_sent += 1
        self._waiting.append(row)

    async def _until(self, since):
        """Until one interval after `since`; the interval may change meanwhile."""
        while self._goes_on():
            left = ticks_diff(ticks_add(since, self.interval_ms), ticks_ms())
            if left <= 0:
                return
            await aio.sleep_ms(min(left, _SLICE))

    async def _drain(self):
        """Let the last readings go out, as long as there is a connection."""
        end = ticks_add(ticks_ms(), _SLICE if self.stopped else _WAITING * 1000)
        while (self._waiting or self._row) and self._online is not False and ticks_diff(end, ticks_ms()) > 0:
            await aio.sleep_ms(_SLICE // 10)

    async def _send(self):
        attempt = 0
        while True:
            if not self._row:
                if not self._waiting:
                    await aio.sleep_ms(_SLICE // 4)
                    continue
                self._row = self._waiting.pop(0)
            try:
                await self._push(self._row)
                attempt = 0
            except _TROUBLE as error:
                self._note(error)
                attempt += 1
                await aio.sleep_ms(_pause(attempt))

    async def _push(self, row):
        """Send `row`. Where the error says that it may go later it stays, else it is counted as not sent."""
        if not self._has_state:
            await self._write_state()
        try:
            # Under the same key, so that it cannot arrive twice.
            if self.feed.pending:
                await self.feed.repeat()
            else:
                await self.feed.push_row(row)
        except FlameletError as error:
            if not error.retry:
                self.not_sent += 1
                self._row = None
            raise
        self._row = None
        self.sent += 1
        self._note(None)
        self.board.report("reading", " ".join(["%s=%s" % (self.board.FIELDS[i][0], row[i]) for i in range(len(row))]))

    async def _write_state(self):
        """Write the state, once; where it is refused the readings may be welcome all the same."""
        try:
            await self.database.update(self.path, {"state": self._state()})
        except FlameletError as error:
            if error.retry:
                raise
            self._note(error)
        self._has_state = True

    def _note(self, error):
        """Tell the person when the server is lost or found."""
        if error is None:
            if not self._online:
                self.board.report("online", self.path)
            self._online = True
        elif not getattr(error, "retry", False):
            self.board.report("error", error if isinstance(error, FlameletError) else repr(error))
        else:
            if self._online is not False:
                self.board.report("offline", error)
            self._online = False

    # Commands in.

    async def _obey(self):
        attempt = 0
        while True:
            try:
                async with self.database.listen(self.path + "/commands") as stream:
                    async for event in stream:
                        attempt = 0
                        await self._take(event)
            except _TROUBLE as error:
                self._note(error)
            attempt += 1
            await aio.sleep_ms(_pause(attempt))

    async def _take(self, event):
        """Execute what an event brings, in the order of the keys, which is that of their making."""
        key, _, rest = event.path.strip("/").partition("/") if event.path else ("", "", "")
        if event.type == "too-large":
            commands = await self.database.get(self.path + "/commands", shallow=True)
            commands = {key: None for key in commands} if isinstance(commands, dict) else {}
        elif rest:
            commands = {key: None}
        elif key:
            commands = {key: event.data} if event.data is not None else {}
        elif isinstance(event.data, dict):
            commands = event.data
        else:
            commands = {}
        for key in sorted(commands):
            command = commands[key]
            key = key.split("/")[0]
            if not isinstance(command, dict):
                # A part of a command was written, or it is too large to have come along.
                command = await self.database.get("%s/commands/%s" % (self.path, key))
            if command is not None:
                await self._answer(key, command)

    async def _answer(self, key, command):
        if key in self._recent:
            return
        if key not in self._answers:
            self._answers[key] = self._execute(command)
        answer = self._answers[key]
        await self._write_answer(key, answer)
        del self._answers[key]
        self._recent.append(key)
        if len(self._recent) > _RECENT:
            self._recent.pop(0)
        self.obeyed += 1
        self.board.report("answer", answer)

    async def _write_answer(self, key, answer):
        """Write the answer until it has arrived: meanwhile no other command is executed."""
        attempt = 0
        while True:
            try:
                values = {"answers/" + key: answer, "commands/" + key: None, "state": self._state()}
                return await self.database.update(self.path, values)
            except FlameletError as error:
                if not error.retry:
                    raise
                self._note(error)
                attempt += 1
                await aio.sleep_ms(_pause(attempt))

    def _execute(self, command):
        """Do what `command` says; the answer."""
        name = command.get("name") if isinstance(command, dict) else None
        value = command.get("value") if isinstance(command, dict) else None
        self.board.report("command", "%s %s" % (name, value))
        if name == "interval":
            return self._set_interval(value)
        if name == "led":
            return self._set_light(value)
        if name == "identify":
            self.board.identify()
            return {"ok": True}
        if not isinstance(name, str):
            return _refusal('a command is {"name": ..., "value": ...}')
        return _refusal("unknown command %s; known are identify, interval, led" % name[:40])

    def _set_interval(self, value):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.01 <= value <= _LONGEST_INTERVAL:
            return _refusal("interval takes seconds, 0.01 to %d" % _LONGEST_INTERVAL)
        self.interval_ms = int(value * 1000)
        return {"ok": True, "value": value}

    def _set_light(self, value):
        if not isinstance(value, bool):
            return _refusal("led takes true or false")
        self._light = value
        self.board.led(value)
        return {"ok": True, "value": value}

    def _state(self):
        state = {"board": self.board.NAME, "interval": self.interval_ms / 1000, "led": self._light}
        state["at"] = {".sv": "timestamp"}
        return state


def _service(config):
    return aio.Gateway if config.get("service") == "gateway" else aio.Database


def _refusal(text):
    return {"ok": False, "error": text}


def _pause(attempt):
    """Milliseconds before the next attempt: exponential, with full jitter, bounded."""
    return min(getrandbits(9) << min(attempt, 6), _LONGEST_PAUSE)


def to_token(token):
    """The token of a configuration: None, its text, or the name of a JSON file."""
    return Token.load(token) if isinstance(token, str) and token.endswith(".json") else token

"""Executes the commands for a device, each one once.

In: the events of `devices/<id>/commands`. Out: what the board does, and one write with the answer, the new state and
the removal of the command. If the answer does not arrive, it is sent again; the command is not executed again.

Memory: `_RECENT` keys of answered commands.
"""

from .. import FlameletError
from ..core.backoff import Backoff
from ..core.runtime import const

_RECENT = const(16)
_LONGEST_INTERVAL = const(86400)


class Commands:
    """Executes the commands of `device`, a `Device`."""

    def __init__(self, device) -> None:
        self._device = device
        self._answers: dict = {}  # of commands whose answer has not arrived yet
        self._recent: list = []  # keys of commands whose answer has arrived
        self.obeyed = 0
        self.light = False

    async def obey(self) -> None:
        """Execute the commands that the stream brings, for ever."""
        device = self._device
        backoff = Backoff()
        while True:
            error = None
            try:
                async with device.database.listen(device.path + "/commands") as stream:
                    async for event in stream:
                        backoff.reset()
                        await self._take(event)
            except device.TROUBLE as trouble:
                error = trouble
                device.note(error)
            await device.pause(backoff.wait(error))

    async def obey_once(self) -> None:
        """Execute the waiting commands, without a stream: for a device that sleeps."""
        commands = await self._device.database.get(self._device.path + "/commands")
        await self._obey_all(commands if isinstance(commands, dict) else {})

    async def _take(self, event):
        """Execute the commands of an event, in the order of their keys, in which they were made."""
        key, _, rest = event.path.strip("/").partition("/") if event.path else ("", "", "")
        if event.type == "too-large":
            commands = await self._device.database.get(self._device.path + "/commands", shallow=True)
            commands = {key: None for key in commands} if isinstance(commands, dict) else {}
        elif rest:
            commands = {key: None}
        elif key:
            commands = {key: event.data} if event.data is not None else {}
        elif isinstance(event.data, dict):
            commands = event.data
        else:
            commands = {}
        await self._obey_all(commands)

    async def _obey_all(self, commands):
        for key in sorted(commands):
            command = commands[key]
            key = key.split("/")[0]
            if not isinstance(command, dict):
                # A part of a command was written, or the command was too large for the event.
                command = await self._device.database.get("%s/commands/%s" % (self._device.path, key))
            if command is not None:
                await self._answer(key, command)

    async def _answer(self, key, command):
        if key in self._recent:
            return
        if key not in self._answers:
            self._answers[key] = self._execute(command)
        answer = self._answers[key]
        await self._write(key, answer)
        del self._answers[key]
        self._recent.append(key)
        if len(self._recent) > _RECENT:
            self._recent.pop(0)
        self.obeyed += 1
        self._device.board.report("answer", answer)

    async def _write(self, key, answer):
        """Write the answer until it has arrived; no other command is executed meanwhile."""
        device = self._device
        backoff = Backoff()
        while True:
            try:
                values = {"answers/" + key: answer, "commands/" + key: None, "state": device.state()}
                await device.database.update(device.path, values)
                return device.note(None)
            except FlameletError as error:
                if not error.retry:
                    raise
                device.note(error)
                ms = backoff.wait(error)
            await device.pause(ms)

    def _execute(self, command):
        """Execute `command`. Returns the answer."""
        name = command.get("name") if isinstance(command, dict) else None
        value = command.get("value") if isinstance(command, dict) else None
        board = self._device.board
        board.report("command", "%s %s" % (name, value))
        if name == "interval":
            return self._set_interval(value)
        if name == "led":
            return self._set_light(value)
        if name == "identify":
            board.identify()
            return {"ok": True}
        if not isinstance(name, str):
            return _refusal('a command is {"name": ..., "value": ...}')
        return _refusal("unknown command %s; known are identify, interval, led" % name[:40])

    def _set_interval(self, value):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.01 <= value <= _LONGEST_INTERVAL:
            return _refusal("interval takes seconds, 0.01 to %d" % _LONGEST_INTERVAL)
        self._device.interval_ms = int(value * 1000)
        return {"ok": True, "value": value}

    def _set_light(self, value):
        if not isinstance(value, bool):
            return _refusal("led takes true or false")
        self.light = value
        self._device.board.led(value)
        return {"ok": True, "value": value}


def _refusal(text):
    return {"ok": False, "error": text}

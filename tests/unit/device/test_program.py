"""The program of a device, with a board and a database that are played: readings out, commands in, over every loss."""

import asyncio
import json
import os

from flamelet import aio
from flamelet.core import backoff
from flamelet.core.runtime import ticks_diff, ticks_ms
from flamelet.device import program

from scripted import NO_CONTENT, URL, Network, answer, refused

HEAP = "1m"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
ROOT = "/devices/d1/"


class Ended(Exception):
    """Stands for SystemExit, which would end the loop of the tests too."""


class Board:
    """One sensor that counts; what the program does to the board is remembered."""

    NAME = "test"
    FIELDS = (("n", 0),)

    def __init__(self):
        self.n = 0
        self.lights = []
        self.identified = 0
        self.reports = []
        self.states = []
        self.restarts = []
        self.is_there = True
        self.folder = self.rtc = self.ended = None
        self.fed = self.starts = self.clock = self.clock_asked = 0

    def connect(self):
        return self.is_there

    def storage(self):
        return self.folder

    def rtc_memory(self):
        return self.rtc

    def sleep(self, seconds):
        self.slept = seconds
        self.ended = "asleep"
        raise Ended()

    def reset_cause(self):
        return "power on"

    def signal_strength(self):
        return -61

    def status(self, state):
        if not self.states or self.states[-1] != state:
            self.states.append(state)

    def start_watchdog(self):
        self.fed = 0

    def feed_watchdog(self):
        self.fed += 1

    def started(self):
        self.starts += 1

    def set_clock(self, seconds):
        self.clock = seconds

    def restart_network(self, reason):
        self.restarts.append("network: " + reason)

    def restart(self, reason):
        self.restarts.append(reason)
        self.ended = "restarted"
        raise Ended()

    def stop_requested(self):
        return False

    def synchronize_clock(self):
        self.clock_asked += 1
        return True

    def read_sensors(self):
        self.n += 1
        return (self.n,)

    def led(self, on):
        self.lights.append(on)

    def identify(self):
        self.identified += 1

    def report(self, what, value=""):
        self.reports.append((what, str(value)))


class Cloud:
    """A database of one device. `trouble`: what comes of the next writes, (is it done?, the script that answers)."""

    def __init__(self):
        self.readings = {}  # {key: the numbers that were written there}
        self.commands = {}
        self.answers = {}
        self.states = []
        self.trouble = {"PUT": [], "PATCH": []}
        self.streams = []
        self.asked = []
        self.restarts = []

    def serve(self, request):
        head, body = request.decode().split("\r\n\r\n", 1)
        method, target, _ = head.split("\r\n")[0].split(" ")
        if "text/event-stream" in head:
            script = [STREAM, event("/", self.commands or None)]
            self.streams.append(script)
            return script
        path = target.split(".json")[0][len(ROOT) :]
        if method == "GET":
            self.asked.append(target)
            key = path.partition("/")[2]
            return [answer(json.dumps(self.commands.get(key) if key else self.commands)), self.serve]
        is_done, script = self.trouble[method].pop(0) if self.trouble[method] else (True, [NO_CONTENT, self.serve])
        if is_done:
            self.write(path, json.loads(body))
        return script

    def write(self, path, value):
        if path.startswith("telemetry/"):
            self.readings.setdefault(path.split("/")[1], []).append(value["n"])
            return
        if path == "telemetry":
            for key in value:
                self.readings.setdefault(key, []).append(value[key]["n"])
            return
        self.states.append(value["state"])
        for place in value:
            if place.startswith("restarts/"):
                self.restarts.append(value[place])
            elif place.startswith("answers/"):
                self.answers.setdefault(place.split("/")[1], []).append(value[place])
            elif place.startswith("commands/"):
                assert value[place] is None
                self.commands.pop(place.split("/")[1], None)
                self.tell("/" + place.split("/")[1], None)

    def command(self, key, value):
        self.commands[key] = value
        self.tell("/" + key, value)

    def tell(self, path, data):
        for script in self.streams:
            script.append(event(path, data))

    def cut(self):
        """End every stream, as the live service does by the hour."""
        for script in self.streams:
            script.append(b"")
        self.streams = []


def event(path, data):
    return ("event: put\ndata: %s\n\n" % json.dumps({"path": path, "data": data})).encode()


def config(**options):
    values = {"url": URL, "device": "d1", "interval": 0.02, "count": 0, "token": None, "ca": None, "connections": 2}
    values.update(options)
    return values


class Running:
    """A device that runs in a task, in an `async with` block; its back-off is short."""

    def __init__(self, cloud, network, storage=None, rtc=None, **options):
        self.network = network
        self.board = Board()
        self.board.folder = storage
        self.board.rtc = rtc
        network.endless = [cloud.serve]
        self.device = program.Device(self.board, config(**options))

    async def __aenter__(self):
        self._kept = [(module, module.getrandbits) for module in (backoff,)]
        for module, _ in self._kept:
            module.getrandbits = lambda bits: 2
        self.task = asyncio.create_task(self.device.main())
        return self

    async def __aexit__(self, *_):
        for module, kept in self._kept:
            module.getrandbits = kept
        self.task.cancel()
        try:
            await self.task
        except (asyncio.CancelledError, Ended):
            self.device.stopped = True
        self.device.close()

    def summary(self):
        return [value for what, value in self.board.reports if what == "summary"]


async def until(condition, ms=10000):
    start = ticks_ms()
    while not condition():
        assert ticks_diff(ticks_ms(), start) < ms, "it did not happen within %d ms" % ms
        await aio.sleep_ms(5)


def numbers(cloud):
    return [written[-1] for _, written in sorted(cloud.readings.items())]


async def test_readings_arrive_in_order_and_the_count_ends_the_program():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, count=5) as running:
            await asyncio.wait_for(running.task, 3)
        assert numbers(cloud) == [1, 2, 3, 4, 5]
        assert running.summary() == ["5 sent, 0 not sent, 0 commands"]
    assert cloud.states[0]["board"] == "test" and cloud.states[0]["interval"] == 0.02
    assert cloud.states[0]["at"] == {".sv": "timestamp"}
    assert all(network.closed)


async def test_a_command_is_executed_answered_and_removed():
    cloud = Cloud()
    cloud.commands["-A"] = {"name": "led", "value": True}
    with Network() as network:
        async with Running(cloud, network, interval=60) as running:
            await until(lambda: "-A" in cloud.answers)
            cloud.command("-B", {"name": "identify"})
            cloud.command("-C", {"name": "led", "value": False})
            await until(lambda: running.device.commands.obeyed == 3, 1000)
    assert cloud.answers == {
        "-A": [{"ok": True, "value": True}],
        "-B": [{"ok": True}],
        "-C": [{"ok": True, "value": False}],
    }
    assert running.board.lights == [True, False] and running.board.identified == 1
    assert cloud.commands == {}
    assert [state["led"] for state in cloud.states[-3:]] == [True, True, False]
    assert running.summary()[0].endswith("3 commands")


async def test_a_command_whose_answer_was_lost_is_executed_once():
    for is_done in (True, False):
        cloud = Cloud()
        with Network() as network:
            async with Running(cloud, network, interval=60) as running:
                await until(lambda cloud=cloud: cloud.states and cloud.streams)
                # More losses than one request repeats by itself.
                cloud.trouble["PATCH"] = [(is_done, [b""]) for _ in range(5)]
                cloud.command("-A", {"name": "identify"})
                await until(lambda cloud=cloud: "-A" in cloud.answers and not cloud.trouble["PATCH"])
                await until(lambda running=running: running.device.commands.obeyed)
                await aio.sleep_ms(50)
        assert running.board.identified == 1
        assert len(cloud.answers["-A"]) == (6 if is_done else 1)


async def test_a_command_is_executed_once_across_a_reconnect():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=60) as running:
            await until(lambda: cloud.states and cloud.streams)
            cloud.command("-A", {"name": "identify"})
            await until(lambda: "-A" in cloud.answers)
            for _ in range(3):
                # A snapshot that was made before the removal arrives after it.
                cloud.commands["-A"] = {"name": "identify"}
                cloud.cut()
                await until(lambda: cloud.streams)
            cloud.command("-B", {"name": "identify"})
            await until(lambda: "-B" in cloud.answers)
    assert running.board.identified == 2
    assert len(cloud.answers["-B"]) == 1


async def test_commands_that_came_while_the_stream_was_down_are_obeyed_in_order():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=60) as running:
            await until(lambda: cloud.streams)
            cloud.cut()
            for i in range(4):
                cloud.commands["-K%d" % i] = {"name": "led", "value": i % 2 == 1}
            await until(lambda: not cloud.commands)
    assert running.board.lights == [False, True, False, True]


async def test_unknown_and_malformed_commands_are_answered_and_removed():
    commands = {
        "-A": {"name": "explode"},
        "-B": {"value": 1},
        "-C": {"name": 1},
        "-D": "led",
        "-E": 7,
        "-F": [1, 2],
        "-G": True,
        "-H": {"name": "led", "value": "on"},
        "-I": {"name": "interval", "value": -1},
        "-J": {"name": "interval", "value": "1"},
        "-K": {"name": "interval", "value": True},
        "-L": {"name": "interval"},
        "-M": {"name": "x" * 2000},
    }
    cloud = Cloud()
    cloud.commands.update(commands)
    with Network() as network:
        async with Running(cloud, network, interval=60) as running:
            await until(lambda: not cloud.commands)
    assert sorted(cloud.answers) == sorted(commands)
    for key in commands:
        [given] = cloud.answers[key]
        assert given["ok"] is False and 10 < len(given["error"]) < 120, given
    assert "explode" in cloud.answers["-A"][0]["error"]
    assert running.board.lights == [] and cloud.states[-1]["interval"] == 60


async def test_commands_that_are_too_large_for_an_event_are_fetched_one_by_one():
    cloud = Cloud()
    for i in range(3):
        cloud.commands["-K%d" % i] = {"name": "led", "value": i != 1, "more": "x" * 4000}
    with Network() as network:
        async with Running(cloud, network, interval=60) as running:
            await until(lambda: not cloud.commands)
            cloud.command("-L", {"name": "identify", "more": "x" * 10000})
            await until(lambda: not cloud.commands)
    assert running.board.lights == [True, False, True] and running.board.identified == 1
    assert cloud.asked[0] == "/devices/d1/commands.json?shallow=true"
    assert len(cloud.asked) == 6


async def test_an_interval_takes_effect_at_once():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=60) as running:
            await until(lambda: len(cloud.readings) == 1)
            cloud.command("-A", {"name": "interval", "value": 0.02})
            await until(lambda: len(cloud.readings) >= 4, 1000)
            assert running.device.interval_ms == 20
    assert cloud.answers == {"-A": [{"ok": True, "value": 0.02}]}
    assert cloud.states[-1]["interval"] == 0.02


async def test_readings_taken_while_the_server_is_away_arrive_when_it_is_back():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=0.01, count=60) as running:
            await until(lambda: len(cloud.readings) >= 2)
            reached = network.endless
            network.endless = [refused()]
            for script in cloud.streams:
                script.append(b"")
            running.device.database._client.connection.close()
            await until(lambda: running.device.readings.waiting >= 5)
            assert running.device.readings.not_sent == running.device.readings.waiting
            network.endless = reached
            await asyncio.wait_for(running.task, 4)
    sent, not_sent = running.device.readings.sent, running.device.readings.not_sent
    assert sent == len(cloud.readings) == 60 and not not_sent
    assert running.summary() == ["%d sent, %d not sent, 0 commands" % (sent, not_sent)]
    assert numbers(cloud) == list(range(1, 61))
    kinds = [what for what, _ in running.board.reports]
    assert kinds.count("offline") == 1 and kinds.count("online") == 2


async def test_a_reading_in_doubt_is_repeated_under_its_key():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=0.1, count=8) as running:
            await until(lambda: cloud.readings)
            cloud.trouble["PUT"] = [(True, [b""]) for _ in range(5)]
            await asyncio.wait_for(running.task, 3)
    assert running.device.readings.sent == 8 and numbers(cloud) == [1, 2, 3, 4, 5, 6, 7, 8]
    # The one in doubt was written more than once: each time under the same key, with the same number.
    assert max([len(written) for written in cloud.readings.values()]) > 1
    assert all(len(set(written)) == 1 for written in cloud.readings.values())


async def test_a_reading_that_was_refused_is_not_sent_for_another_and_arrives_when_it_is_welcome():
    denied = answer('{"error":"Permission denied"}', "401 Unauthorized")
    # On the hot path what is no HTTP is tried anew once, so there may be one refusal or two.
    for trouble in ([(False, [b"SSH-2.0-x\r\n"]) for _ in range(2)], [(False, [denied, b""])]):
        cloud = Cloud()
        with Network() as network:
            async with Running(cloud, network, interval=0.1, count=4) as running:
                await until(lambda cloud=cloud: cloud.readings)
                cloud.trouble["PUT"] = list(trouble)
                await asyncio.wait_for(running.task, 3)
        assert (running.device.readings.sent, running.device.readings.not_sent) == (4, 0)
        assert numbers(cloud) == [1, 2, 3, 4]
        assert [what for what, _ in running.board.reports].count("error") >= 1


async def test_a_reading_that_the_rules_refuse_is_set_aside_as_soon_as_another_is_welcome():
    denied = answer('{"error":"Permission denied"}', "401 Unauthorized")
    cloud = Cloud()
    welcome = cloud.serve

    def serve(request):
        body = request.split(b"\r\n\r\n")[1]
        if b'"n":2}' in body:
            return [denied, serve]
        return [serve if part == welcome else part for part in welcome(request)]

    cloud.serve = serve
    with Network() as network:
        async with Running(cloud, network, interval=0.1, count=5) as running:
            await asyncio.wait_for(running.task, 4)
    assert numbers(cloud) == [1, 3, 4, 5]
    outbox = running.device.readings.outbox
    assert outbox.refused == 1 and outbox.refusals()[0][2] == b'{"n":2}'
    assert "Permission denied" in outbox.refusals()[0][1]
    assert running.summary() == ["4 sent, 1 not sent, 0 commands"]


class Gateway:
    """An endpoint of Firebase Express SDK, which takes no falsy values."""

    def __init__(self):
        self.requests = []

    def serve(self, request):
        head, body = request.decode().split("\r\n\r\n", 1)
        method, target, _ = head.split("\r\n")[0].split(" ")
        number = json.loads(body)["n"]
        self.requests.append((method, target, number))
        if not number:
            return [answer('{"status":"ERROR","message":"Missed keys: n"}'), self.serve]
        if method == "POST":
            return [answer('{"status":"success","data":{"id":"made"}}'), self.serve]
        return [answer('{"status":"success","message":"Document with id x was updated"}'), self.serve]


async def test_a_gateway_gets_the_readings_and_nothing_else():
    for post in (False, True):
        gateway = Gateway()
        options = {"service": "gateway", "url": URL + "/api", "readings": "log" if post else None, "post": post}
        with Network() as network:
            async with Running(gateway, network, count=4, **options) as running:
                running.board.n = -2
                await asyncio.wait_for(running.task, 3)
        if post:
            # What has been answered is not sent again: the refused one alone is.
            numbers = [number for _, _, number in gateway.requests if number]
            assert numbers == [-1, 1, 2], gateway.requests
        assert running.summary() == ["3 sent, 1 not sent, 0 commands"], running.board.reports
        assert [value for what, value in running.board.reports if what == "error"][0].endswith("Missed keys: n")
        assert sorted(set(number for _, _, number in gateway.requests)) == [-1, 0, 1, 2]
        targets = {(method, target) for method, target, _ in gateway.requests}
        if post:
            assert targets == {("POST", "/api/log")}
        else:
            assert all(method == "PUT" and target[:-20] == "/api/devices/d1/telemetry/" for method, target in targets)
            assert len(targets) == 4


async def test_the_program_runs_with_one_connection():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=60, connections=1) as running:
            await until(lambda: len(cloud.readings) == 1 and cloud.streams)
            cloud.command("-A", {"name": "led", "value": True})
            await until(lambda: "-A" in cloud.answers)
            assert network.closed.count(False) <= 1
            await until(lambda: len(cloud.streams) >= 2, 2000)
            cloud.command("-B", {"name": "led", "value": False})
            await until(lambda: "-B" in cloud.answers)
    assert running.board.lights == [True, False]


class Folder:
    """A folder that is there for the time of a `with` block."""

    def __enter__(self):
        self.name = "%s/flamelet-%d" % (os.getenv("TMPDIR") or "/tmp", ticks_ms())
        os.mkdir(self.name)
        return self.name

    def __exit__(self, *_):
        remove(self.name)


def remove(name):
    for entry in os.listdir(name):
        try:
            os.remove(name + "/" + entry)
        except OSError:
            remove(name + "/" + entry)
    os.rmdir(name)


async def ended(running):
    """How the board ended the program."""
    await until(lambda: running.board.ended, 5000)
    return running.board.ended


async def test_what_waits_at_the_end_goes_out_after_the_next_start():
    cloud = Cloud()
    with Folder() as folder, Network() as network:
        async with Running(cloud, network, storage=folder, interval=0.02, count=12) as running:
            network.endless = [refused()]
            await asyncio.wait_for(running.task, 12)
        assert running.summary() == ["0 sent, 0 not sent, 0 commands, 12 wait"]
        assert not cloud.readings
        async with Running(cloud, network, storage=folder, interval=0.02, count=3) as running:
            running.board.n = 12
            await asyncio.wait_for(running.task, 4)
        assert running.summary() == ["15 sent, 0 not sent, 0 commands"]
        assert numbers(cloud) == list(range(1, 16))
        assert not [name for name in os.listdir(folder + "/outbox") if name.endswith(".out")]


async def test_a_reading_that_cannot_be_sent_is_on_flash_before_another_one_is_taken():
    await waits_on_flash(Board.connect)
    await waits_on_flash(no_network)


async def waits_on_flash(connect):
    cloud = Cloud()
    with Folder() as folder, Network() as network:
        async with Running(cloud, network, storage=folder, interval=3600) as running:
            readings = running.device.readings
            network.endless = [refused()]
            running.board.connect = lambda: connect(running.board)
            await until(lambda: readings.outbox)
            assert (readings.outbox.waiting, readings.outbox.pending) == (1, 1)
            readings.outbox._longest_ms = 200
            await until(lambda: not readings.outbox.pending)
            assert readings.waiting == 1 and not cloud.readings


def no_network(board):
    raise OSError("no such network is in reach")


async def test_a_device_whose_flash_takes_no_outbox_keeps_its_readings_in_ram():
    cloud = Cloud()
    with Folder() as folder, Network() as network:
        async with Running(cloud, network, storage=folder + "/missing", interval=0.05, count=20) as running:
            network.endless = [refused()]
            await until(lambda: running.device.readings.waiting >= 3)
            network.endless = [cloud.serve]
            await asyncio.wait_for(running.task, 4)
    assert numbers(cloud) == list(range(1, 21))
    assert running.board.restarts == []
    assert "readings wait in RAM" in [value for what, value in running.board.reports if what == "error"][0]


async def test_readings_for_which_there_was_no_room_are_told_and_counted():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=0.01, count=130) as running:
            network.endless = [refused()]
            await until(lambda: running.device.measured >= 110)
            network.endless = [cloud.serve]
            await asyncio.wait_for(running.task, 5)
    dropped = running.device.readings.outbox.dropped
    # The first one waited outside of the outbox, in the request that it is.
    assert dropped and numbers(cloud) == [1] + list(range(dropped + 2, 131))
    assert ("error", "%d readings dropped so far: the outbox was full" % dropped) in running.board.reports
    assert running.summary() == ["%d sent, %d not sent, 0 commands" % (130 - dropped, dropped)]


async def test_a_flash_that_fails_is_told_once_for_each_attempt():
    cloud = Cloud()
    with Folder() as folder, Network() as network:
        async with Running(cloud, network, storage=folder, interval=0.02, count=40) as running:
            network.endless = [refused()]
            await until(lambda: running.device.readings.outbox)
            remove(folder + "/outbox")
            await until(lambda: running.device.readings.waiting >= 20)
            network.endless = [cloud.serve]
            await asyncio.wait_for(running.task, 5)
        os.mkdir(folder + "/outbox")
    assert numbers(cloud) == list(range(1, 41))
    [error] = [value for what, value in running.board.reports if what == "error"]
    assert error.startswith("the flash fails (") and "ENOENT" in error or "No such file" in error


async def test_without_progress_first_the_network_is_restarted_and_then_the_device_which_says_why():
    cloud = Cloud()
    with Folder() as folder, Network() as network:
        async with Running(cloud, network, storage=folder, interval=0.05, patience=0.2) as running:
            network.endless = [refused()]
            assert await ended(running) == "restarted"
        assert len(running.board.restarts) == 2 and running.board.restarts[0].startswith("network: no progress for 0 s")
        assert "cannot connect" in running.board.restarts[1]
        assert "offline" in running.board.states
        async with Running(cloud, network, storage=folder, interval=0.05, patience=5) as running:
            await until(lambda: cloud.restarts)
            # The file goes when the answer has arrived, which is after the cloud has the reason.
            await until(lambda: "restart.txt" not in os.listdir(folder))
        assert [told["cause"] for told in cloud.restarts] == ["power on"]
        assert "cannot connect" in cloud.restarts[0]["reason"]


async def test_a_refusal_restarts_nothing():
    cloud = Cloud()
    denied = answer('{"error":"Permission denied"}', "401 Unauthorized")
    with Network() as network:
        async with Running(cloud, network, interval=0.02, patience=0.1, count=15) as running:
            await until(lambda: cloud.streams)
            cloud.trouble["PUT"] = [(False, [denied, cloud.serve]) for _ in range(100)]
            cloud.trouble["PATCH"] = [(False, [denied, cloud.serve]) for _ in range(100)]
            await asyncio.wait_for(running.task, 12)
    assert running.board.restarts == []
    assert [what for what, _ in running.board.reports].count("error") > 1


async def test_a_network_that_comes_late_gets_what_was_measured_meanwhile():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=0.05, count=20) as running:
            running.board.is_there = False
            await until(lambda: running.device.measured >= 6)
            assert not cloud.readings and "connecting" in running.board.states
            running.board.is_there = True
            await asyncio.wait_for(running.task, 4)
    assert numbers(cloud) == list(range(1, 21))


async def test_the_watchdog_is_fed_and_the_start_is_told_to_have_gone_well():
    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=0.05, watchdog=True) as running:
            await until(lambda: cloud.readings and running.board.fed > 2)
            assert running.board.starts == 1


async def test_a_sleeper_sends_with_every_third_wake_and_obeys_then():
    cloud = Cloud()
    cloud.commands["-A"] = {"name": "led", "value": True}
    with Folder() as folder, Network() as network:
        for wake in range(1, 7):
            network.endless = [cloud.serve]
            options = {"storage": folder, "interval": 300, "mode": "sleep", "wakes": 3}
            async with Running(cloud, network, **options) as running:
                running.board.n = wake - 1
                assert await ended(running) == "asleep"
            assert len(cloud.readings) == wake // 3 * 3, wake
            assert 1 <= running.board.slept <= 300
    assert numbers(cloud) == [1, 2, 3, 4, 5, 6]
    assert list(cloud.answers) == ["-A"] and len(cloud.answers["-A"]) == 1


async def test_a_sleeper_without_a_network_sleeps_with_its_readings_kept():
    cloud = Cloud()
    rtc = Memory()
    with Network() as network:
        for wake in range(1, 5):
            async with Running(cloud, network, rtc=rtc, interval=300, mode="sleep") as running:
                running.board.n = wake - 1
                network.endless = [cloud.serve] if wake == 4 else [refused()]
                assert await ended(running) == "asleep"
            assert len(cloud.readings) == (4 if wake == 4 else 0)
    assert numbers(cloud) == [1, 2, 3, 4]


class Memory:
    """The memory of an RTC."""

    def __init__(self):
        self.content = b""

    def memory(self, content=None):
        if content is None:
            return self.content
        self.content = bytes(content)


async def test_a_certificate_that_looks_wrong_has_the_clock_set_again():
    from flamelet.errors import TLSError

    cloud = Cloud()
    with Network() as network:
        async with Running(cloud, network, interval=0.05) as running:
            await until(lambda: cloud.readings)
            assert running.board.clock_asked == 1
            running.device.note(TLSError("TLS with x failed: the certificate has expired, or the clock is wrong"))
            await until(lambda: running.board.clock_asked == 2)

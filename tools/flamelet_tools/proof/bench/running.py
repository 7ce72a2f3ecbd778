"""The server and the clients of the benchmark, as processes.

In: commands. Out: what they answered, as JSON. Everything on MicroPython is .mpy, in a folder of its own; every wait
has a deadline, after which the process is killed.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.compile import compile_file, compile_library, compile_script
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path

HEAP = "256k"
TELEMETRY = "devices/d1/telemetry"
START_SECONDS = 30
HEAP_SECONDS = 10
TRACEBACK_SECONDS = 1


class Process:
    """A process that answers each line with a line of JSON."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        pipe = subprocess.PIPE
        self.name = " ".join(command[3:])
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, bufsize=0)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the process end, since its input does; kill it where it does not in time."""
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def ask(self, line: str, seconds: float = 60) -> Any:
        """Send `line`; its answer. Raises click.ClickException where there is none within `seconds`."""
        self.send(line)
        return self.read(seconds)

    def send(self, line: str) -> None:
        """Send `line`, which has no answer."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended: what it said is then read
            self.process.stdin.write(line.encode() + b"\n")

    def read(self, seconds: float = 60) -> Any:
        """The next line of JSON."""
        end = time.monotonic() + seconds
        while b"\n" not in self.received and (piece := self.read_piece(end - time.monotonic())):
            self.received += piece
        line, newline, rest = self.received.partition(b"\n")
        if not newline or not line.startswith((b"{", b"[")):
            raise self.failed()
        self.received = rest
        return json.loads(line)

    def failed(self) -> click.ClickException:
        """The error that tells all that the process says, which is a traceback where it has ended."""
        end = time.monotonic() + TRACEBACK_SECONDS
        while piece := self.read_piece(end - time.monotonic()):
            self.received += piece
        return click.ClickException(f"{self.name}: {self.received.decode().strip() or 'no answer within its time'}")

    def read_piece(self, seconds: float) -> bytes:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, seconds))
        return os.read(self.process.stdout.fileno(), 65536) if ready else b""


class Bench:
    """What all measurements share: the folder of .mpy files, and the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes = compile_everything(folder)
        self.server = Process([sys.executable, "-m", "flamelet_tools.proof.bench.server", str(folder)])
        plain, tls = self.server.read(START_SECONDS)
        ca = str(folder / "ca.der")
        self.targets = {"TCP": (f"http://127.0.0.1:{plain}", "-"), "TLS": (f"https://127.0.0.1:{tls}", ca)}

    def counters(self) -> dict[str, Any]:
        """What the server has counted until now. The end of a connection may reach it after the client's last word."""
        time.sleep(0.05)
        return self.server.ask("counters")

    @contextlib.contextmanager
    def placed(self, clients: list[Process], spread: bool) -> Iterator[None]:
        """Keep the server on one processor, and the clients there too or, if `spread`, on another (Linux only)."""
        if not hasattr(os, "sched_setaffinity"):
            yield
            return
        every = os.sched_getaffinity(0)
        move(self.server, {min(every)})
        for client in clients:
            move(client, {max(every) if spread else min(every)})
        yield
        for process in (self.server, *clients):
            move(process, every)

    def command(self, module: str, *arguments: str, heap: str = HEAP) -> list[str]:
        """The command that runs a module on MicroPython."""
        return [find_micropython() or "micropython", "-X", f"heapsize={heap}", "-m", module, *arguments]

    def start(self, module: str, transport: str, path: str = TELEMETRY, heap: str = HEAP) -> Process:
        """Start pusher with the client `module`."""
        return self.process(self.command("pusher", module, *self.targets[transport], path, heap=heap))

    def process(self, command: list[str]) -> Process:
        """Start a command of `command`."""
        return Process(command, module_path(str(self.folder)))

    def run(self, module: str, *arguments: str, transport: str, seconds: float = 60) -> Any:
        """Run a module to its end, within `seconds`; the line of JSON that it prints."""
        command = self.command(module, *arguments, *self.targets[transport], TELEMETRY)
        with self.process(command) as process:
            return process.read(seconds)

    def ends_well(self, module: str, *arguments: str, transport: str, heap: str) -> bool:
        """Whether a module ends by itself, without an error, in this heap."""
        return self.succeeds(self.command(module, *arguments, *self.targets[transport], TELEMETRY, heap=heap))

    def succeeds(self, command: list[str]) -> bool:
        """Whether a command of `command` ends by itself, without an error."""
        env = module_path(str(self.folder))
        try:
            done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=HEAP_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def move(process: Process, processors: set[int]) -> None:
    os.sched_setaffinity(process.process.pid, processors)


@contextlib.contextmanager
def benchmark() -> Iterator[Bench]:
    """Start the server, with everything compiled.

    Raises: click.ClickException if there is no MicroPython here.
    """
    if find_micropython() is None:
        raise click.ClickException(MISSING)
    with tempfile.TemporaryDirectory(prefix="flamelet-") as folder:
        bench = Bench(Path(folder))
        with bench.server:
            yield bench


def compile_everything(folder: Path) -> dict[str, int]:
    """Compile the library, the desktop's board and the scripts in device/.

    Returns: the bytes of each module of the library.
    """
    root = checkout()
    sizes = compile_library(root, folder)
    proof = Path(__file__).parents[1]
    scripts = sorted([*proof.glob("bench/device/*.py"), *proof.glob("endurance/device/*.py")])
    for script in scripts:
        compile_script(root, script, folder / f"{script.stem}.mpy")
    compile_file(root / "boards" / "desktop" / "board.py", folder / "board.mpy")
    return sizes

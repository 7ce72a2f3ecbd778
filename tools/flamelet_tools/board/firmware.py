"""Reads what a firmware image is from its bytes, so that a wrong image never leads to an erased board.

In: a file. Out: an `Image`, or an error that says what the file is instead. Two kinds are supported: an ESP32's whole
firmware (bootloader, partition table and program, esptool's .bin) and the UF2 of a Pico W or Pico 2 W. MicroPython is
recognized by the line that it prints at its start.

Sources: ESP-IDF, "Firmware image format" and "Partition tables"; https://github.com/microsoft/uf2; RP2350 datasheet,
erratum E10, for the first block of its UF2 files.
"""

import hashlib
import re
import struct
from pathlib import Path
from typing import NamedTuple

import click

from flamelet_tools.board.link import OLDEST, dotted

DOWNLOAD = "https://micropython.org/download"

# By the chip id in an image's header: esptool's name for the chip, and the offset of the image in flash.
ESP_CHIPS = {
    0: ("esp32", 0x1000),
    2: ("esp32s2", 0x1000),
    5: ("esp32c3", 0),
    9: ("esp32s3", 0),
    12: ("esp32c2", 0),
    13: ("esp32c6", 0),
    20: ("esp32c61", 0),
    23: ("esp32c5", 0x2000),
}
ESP_MAGIC = 0xE9
PARTITIONS_AT = 0x8000
PARTITION = struct.Struct("<HBBII16sI")
PARTITION_MAGIC = 0x50AA
APP = 0

UF2_BLOCK = 512
UF2_MAGIC = (0x0A324655, 0x9E5D5157)
UF2_PAYLOAD = 476
UF2_END = 0x0AB16F30
UF2_HAS_FAMILY = 0x2000
UF2_ANYWHERE = 0xE48BFF57  # the family of blocks that fit every chip
UF2_FAMILIES = {0xE48BFF56: "RP2040", 0xE48BFF59: "RP2350", 0xE48BFF5A: "RP2350"}

BANNER = re.compile(rb"MicroPython (v?[\w.+-]+) on \d{4}-\d\d-\d\d")
MACHINE = re.compile(rb"[\0;] ?([\w()+./ -]{3,60} with (?:RP2|ESP)[\w-]+)[\0\r]")


class Image(NamedTuple):
    """A firmware image."""

    path: Path
    chip: str  # esptool's name such as "esp32c3", or "RP2040" or "RP2350"
    offset: int  # the offset in the flash of an ESP32
    version: str  # MicroPython's, "v1.24.1"
    machine: str  # the board that it says it is for, or an empty string
    data: bytes

    @property
    def is_uf2(self) -> bool:
        return self.chip.startswith("RP")


def read_image(path: Path) -> Image:
    """Read a firmware image.

    Raises: click.ClickException if the file is not an image, is for a chip that flamelet does not support, is
    truncated, or does not hold a version of MicroPython that flamelet supports.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    if data[:4] == struct.pack("<I", UF2_MAGIC[0]):
        chip, offset, content = *uf2_chip(path, data), uf2_content(data)
    elif data[:1] == bytes([ESP_MAGIC]):
        chip, offset, content = *esp_chip(path, data), data
    else:
        raise click.ClickException(
            f"{path} is not a firmware image: it is neither a .bin for an ESP32 nor a .uf2. See {DOWNLOAD}"
        )
    return Image(path, chip, offset, *micropython(path, content), data)


def esp_chip(path: Path, data: bytes) -> tuple[str, int]:
    """Return the chip that an ESP32's firmware is for, and its offset in flash.

    Raises: click.ClickException.
    """
    if b" with ESP8266" in data:
        raise click.ClickException(f"{path} is for the ESP8266, which flamelet does not support")
    number = int.from_bytes(data[12:14], "little")
    if number not in ESP_CHIPS:
        chips = ", ".join(sorted(chip for chip, _ in ESP_CHIPS.values()))
        raise click.ClickException(
            f"{path} is for a chip that flamelet does not support (chip id {number}): it supports {chips}"
        )
    chip, offset = ESP_CHIPS[number]
    apps = [start - offset for kind, start in partitions(data[PARTITIONS_AT - offset :]) if kind == APP]
    if not apps:
        raise click.ClickException(
            f"{path} is a part of a firmware, such as an update; the whole one has a bootloader and a partition table. "
            f"See {DOWNLOAD}"
        )
    check_esp_program(path, data, apps[0])
    return chip, offset


def partitions(data: bytes) -> list[tuple[int, int]]:
    """Return the type and offset of each partition in a partition table."""
    found = []
    while len(data) >= PARTITION.size and data[:2] == PARTITION_MAGIC.to_bytes(2, "little"):
        _, kind, _, start, _, _, _ = PARTITION.unpack_from(data)
        found.append((kind, start))
        data = data[PARTITION.size :]
    return found


def check_esp_program(path: Path, data: bytes, start: int) -> None:
    """Check that the program in a firmware image is complete, by the hash at its end.

    Raises: click.ClickException.
    """
    if len(data) < start + 24 or data[start] != ESP_MAGIC:
        raise click.ClickException(cut(path))
    end = start + 24
    for _ in range(data[start + 1]):
        if end + 8 > len(data):
            raise click.ClickException(cut(path))
        end += 8 + int.from_bytes(data[end + 4 : end + 8], "little")
    end = end // 16 * 16 + 16  # The checksum is the last byte of a row of 16.
    has_hash = data[start + 23] == 1
    if end + 32 * has_hash > len(data):
        raise click.ClickException(cut(path))
    if has_hash and hashlib.sha256(data[start:end]).digest() != data[end : end + 32]:
        raise click.ClickException(f"{path} is damaged: its program does not match its hash. Download it again")


def cut(path: Path) -> str:
    return f"{path} is truncated: download it again"


def uf2_chip(path: Path, data: bytes) -> tuple[str, int]:
    """Return the chip that a UF2 file is for, and 0 as its offset: each block of the file holds its own address.

    Raises: click.ClickException.
    """
    blocks = [struct.unpack_from("<8I", data, start) for start in range(0, len(data) - UF2_BLOCK + 1, UF2_BLOCK)]
    whole = not len(data) % UF2_BLOCK and all(
        block[:2] == UF2_MAGIC and data[end - 4 : end] == UF2_END.to_bytes(4, "little")
        for block, end in zip(blocks, range(UF2_BLOCK, len(data) + 1, UF2_BLOCK), strict=True)
    )
    families = {block[7] if block[2] & UF2_HAS_FAMILY else 0: block[6] for block in blocks}
    families.pop(UF2_ANYWHERE, None)
    if not whole or len(blocks) < sum(families.values()):
        raise click.ClickException(cut(path))
    chips = {UF2_FAMILIES.get(family, f"{family:#x}") for family in families}
    if len(chips) != 1 or not chips <= set(UF2_FAMILIES.values()):
        raise click.ClickException(
            f"{path} is not for a Pico W or Pico 2 W: its family is {', '.join(sorted(chips))}. See {DOWNLOAD}"
        )
    return chips.pop(), 0


def uf2_content(data: bytes) -> bytes:
    """Return the bytes that a UF2 file writes to flash."""
    content = []
    for start in range(0, len(data), UF2_BLOCK):
        size = int.from_bytes(data[start + 16 : start + 20], "little")
        content.append(data[start + 32 : start + 32 + min(size, UF2_PAYLOAD)])
    return b"".join(content)


def micropython(path: Path, content: bytes) -> tuple[str, str]:
    """Return the version of MicroPython in a firmware image, and the board that it says it is for.

    Raises: click.ClickException if there is no MicroPython, it is too old, or it is for a Pico without a radio.
    """
    banner = BANNER.search(content)
    if not banner:
        raise click.ClickException(f"{path} is not MicroPython: get the firmware of your board at {DOWNLOAD}")
    version = banner[1].decode()
    numbers = re.match(r"v?(\d+)\.(\d+)", version)  # A custom build may have a commit instead.
    if numbers and tuple(map(int, numbers.groups())) < OLDEST:
        raise click.ClickException(
            f"{path} is MicroPython {version}; flamelet supports {dotted(OLDEST)} and later. See {DOWNLOAD}"
        )
    found = MACHINE.search(content)
    machine = found[1].decode() if found else ""
    if re.match(r"Raspberry Pi Pico ?2? with", machine):
        raise click.ClickException(f"{path} is for a Pico without Wi-Fi: get the firmware of the Pico W at {DOWNLOAD}")
    return version, machine

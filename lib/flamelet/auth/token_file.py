"""Reads and writes token files: the one that was minted, and two slots beside it for renewals.

In: token.json, a dict as `Token` takes it. A renewal is written to `token.json.0` or `token.json.1`, in turn: the
other one is whole, so a power cut at any byte leaves a token that can be read. (A rename is not safe on FAT.) A slot
holds a number, the checksum of the token.json that it belongs to, and its own; if token.json is replaced, its slots are
no longer used.
"""

import binascii
import json

from .. import InvalidArgument
from ..core.runtime import MICROPYTHON

if MICROPYTHON:

    def _create(file):
        return open(file, "wb")

else:
    from ..core.runtime_cpython import create_private as _create


def load(file: str) -> tuple:
    """Return (the newest content of `file`, the place where its renewals are saved)."""
    text = _read(file)
    if text is None:
        raise InvalidArgument("the token file %s cannot be read: flamelet mint writes one" % file)
    content = _parsed(text)
    if content is None:
        raise InvalidArgument("the token file %s is no JSON object: flamelet mint writes one" % file)
    base = binascii.crc32(text)
    number = 0
    for slot in (0, 1):
        saved = _slot(file, slot, base)
        if saved and saved["number"] > number:
            number = saved["number"]
            content.update(saved)
    return content, (file, base, number)


def save(token, expires_at: int) -> None:
    """Write a renewal. Raises OSError if the flash is full or broken: the slot before it is still there."""
    file, base, number = token.file
    number += 1
    content = {
        "number": number,
        "base": base,
        "id_token": token.text,
        "refresh_token": token.refresh_token,
        "expires_at": expires_at,
    }
    text = json.dumps(content).encode()
    with _create("%s.%d" % (file, number & 1)) as stream:
        stream.write(text)
        stream.write(b"\n%d" % binascii.crc32(text))
    token.file = file, base, number


def _slot(file, slot, base):
    text, _, checksum = (_read("%s.%d" % (file, slot)) or b"").rpartition(b"\n")
    if checksum != b"%d" % binascii.crc32(text):
        return None
    content = _parsed(text)
    return content if content and content.get("base") == base else None


def _read(file):
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def _parsed(text):
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None

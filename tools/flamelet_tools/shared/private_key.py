"""What must never reach a device: private keys, and the credentials of a person or of a whole project.

In: a file, whatever is in it. Out: nothing, or an error that says what was found and what a device gets instead. Found
are keys in PEM, inside any other text too (the key file of a service account is JSON around one), keys in DER and
PKCS #12, and the JSON files of Google's own tools. A device that is stolen shows everything that it holds.
"""

import json
import re
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key

PEM = re.compile(rb"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----")
# The beginning of a PFX (RFC 7292): version 3, and contents that are data or signed data.
PKCS12 = re.compile(rb"\x30.{1,5}\x02\x01\x03\x30.{1,5}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07[\x01\x02]", re.DOTALL)
# The "type" of the files that google.auth.default reads.
CREDENTIALS = {
    "service_account": "a service account's private key",
    "authorized_user": "a person's own credentials, which gcloud wrote",
    "external_account": "the credentials of a project",
    "external_account_authorized_user": "a person's own credentials",
    "impersonated_service_account": "the credentials of a service account",
    "gdch_service_account": "a service account's private key",
}


def refuse_private_key(path: Path) -> None:
    """Refuse a file that no device may have.

    Args:
        path: the file, of any kind.
    Raises: click.ClickException if it holds a private key or the credentials of Google's tools, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    found = secret_in(data)
    if found:
        raise click.ClickException(
            f"{path} holds {found}, which must never be on a device: anyone who finds it there can do all that it "
            "allows. A device gets the token.json that flamelet mint makes of it"
        )


def secret_in(data: bytes) -> str | None:
    """Return what these bytes hold that no device may have; None if that is nothing."""
    content = parsed(data)
    for item in objects(content):
        if str(item.get("type")) in CREDENTIALS:
            return CREDENTIALS[str(item["type"])]
        if item.get("private_key"):
            return "a private key"
    # Text of 16 bits a letter, as some editors save it, has a zero beside each letter.
    if PEM.search(data.replace(b"\0", b"")) or PKCS12.match(data) or is_der_key(data):
        return "a private key"
    return None


def parsed(data: bytes) -> Any:
    """Return the value of these bytes as JSON; None if they are none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def objects(value: Any) -> list[dict]:
    """Return all objects in a JSON value, itself included."""
    found, rest = [], [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            found.append(item)
        if isinstance(item, (dict, list)):
            rest.extend(item.values() if isinstance(item, dict) else item)
    return found


def is_der_key(data: bytes) -> bool:
    """Return whether `data` is a private key in DER, encrypted or not."""
    try:
        load_der_private_key(data, None)
    except TypeError:  # It wants a password.
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True

"""`flamelet roots`: writes lib/flamelet/net/roots.py, the root certificates that a device trusts.

In: certifi's bundle of Mozilla's roots. Out: a module with the chosen ones in DER, the only form that MicroPython
takes; the same certificates give the same bytes.

Two roots, and why no more: Google Trust Services signs for Firebase's hosts with RSA and with ECDSA keys, and GTS Root
R1 and R4 are the roots of these chains. R2 is no longer in Mozilla's bundle, R3 is R4's spare; GlobalSign, who
cross-signed R1 for devices older than R1, is not needed where R1 is trusted. Each further root would take 0.5 to 1.4
KiB of flash, and again of memory while TLS is in use.
(Source: https://pki.goog/repository/.)
"""

import hashlib
import ssl
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import certifi
import click

from flamelet_tools.shared.checkout import checkout

ROOTS = ("GTS Root R1", "GTS Root R4")
BYTES_PER_LINE = 28

MODULE = '''"""Holds the root certificates that are trusted unless `ca` is given; written by `flamelet roots`.

{listing}
"""

CERTIFICATES = (
{certificates})
'''


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: lib/flamelet/net/roots.py.")
def roots(output: Path | None) -> None:
    """Write the root certificates that the library trusts, from certifi."""
    output = output or checkout() / "lib" / "flamelet" / "net" / "roots.py"
    output.write_text(module_text(find(ROOTS)))
    click.echo(f"roots: wrote {', '.join(ROOTS)} to {output}")


def find(names: Iterable[str]) -> list[bytes]:
    """Return the certificates with these common names, in DER.

    Raises: click.ClickException if certifi does not have exactly one of a name.
    """
    bundle = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bundle.load_verify_locations(cafile=certifi.where())
    der_by_name: dict[str, list[bytes]] = {}
    for fields, der in zip(bundle.get_ca_certs(), bundle.get_ca_certs(binary_form=True), strict=True):
        der_by_name.setdefault(common_name(fields), []).append(der)
    for name in names:
        if len(der_by_name.get(name, ())) != 1:
            raise click.ClickException(f"certifi {certifi.__version__} has not exactly one certificate named {name}")
    return [der_by_name[name][0] for name in names]


def module_text(certificates: Iterable[bytes]) -> str:
    """Return the source of the module that holds these certificates."""
    certificates = list(certificates)
    return MODULE.format(
        listing="\n".join(map(description, certificates)), certificates="".join(map(literal, certificates))
    )


def description(der: bytes) -> str:
    fields = parse(der)
    dates = f"{date(fields['notBefore']):%Y-%m-%d} to {date(fields['notAfter']):%Y-%m-%d}"
    return f"{common_name(fields)}, {dates}, SHA-256\n  {hashlib.sha256(der).hexdigest()}"


def parse(der: bytes) -> dict[str, Any]:
    """Return the fields of a certificate, as `ssl.SSLContext.get_ca_certs` gives them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=der)
    return context.get_ca_certs()[0]


def common_name(fields: dict[str, Any]) -> str:
    return next((value for ((key, value),) in fields["subject"] if key == "commonName"), "")


def date(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), timezone.utc)


def literal(der: bytes) -> str:
    escaped = [f"\\x{byte:02x}" for byte in der]
    lines = ["".join(escaped[at : at + BYTES_PER_LINE]) for at in range(0, len(der), BYTES_PER_LINE)]
    return "\n".join(f'    b"{line}"' for line in lines) + ",\n"

"""What no device may have is found in any file, and what a device needs is not taken for it."""

import json

import click
import pytest
from clients import ROOT
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from flamelet.net import roots
from flamelet_tools.shared.private_key import refuse_private_key

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
LOCK = BestAvailableEncryption(b"unknown")
PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

KEYS = {
    "a service account's key": json.dumps({"type": "service_account", "private_key": PEM}),
    "a key in JSON of another kind": json.dumps({"config": [{"tls": {"private_key": PEM}}]}),
    "a key in JSON, not in PEM": json.dumps({"private_key": "MIIEvQ"}),
    "gcloud's credentials": json.dumps({"type": "authorized_user", "client_secret": "x", "refresh_token": "y"}),
    "PKCS #8 in PEM": PEM,
    "PKCS #1 in PEM": RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "an elliptic key in PEM": EC.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "OpenSSH": EC.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "PEM with a password": EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, LOCK),
    "PEM in a program": f"KEY = {PEM!r}\n",
    "PEM in 16 bits a letter": PEM.encode("utf-16"),
    "JSON with a byte order mark": json.dumps({"type": "service_account"}).encode("utf-8-sig"),
    "DER": EC.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "DER with a password": RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, LOCK),
    "PKCS #12": pkcs12.serialize_key_and_certificates(b"d1", RSA, None, None, LOCK),
}
OTHERS = {
    "nothing": "",
    "a token": json.dumps({"id_token": "eyJ.eyJ.x", "refresh_token": "r", "api_key": "k"}),
    "roots in DER": b"".join(roots.CERTIFICATES),
    "a public key": RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "a program that speaks of keys": 'if content.get("private_key"):\n    raise ValueError("a private key")\n',
    "JSON of another type": json.dumps({"type": "put", "private_key": None, "list": [1, "service_account"]}),
    "JSON that is too deep": "[" * 100_000,
    "bytes": bytes(range(256)),
}


def written(folder, content):
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", KEYS)
def test_a_file_with_a_private_key_is_refused(tmp_path, name):
    path = written(tmp_path, KEYS[name])
    with pytest.raises(click.ClickException, match="must never be on a device") as refused:
        refuse_private_key(path)
    assert str(path) in str(refused.value)
    assert "MII" not in str(refused.value)


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_without_a_private_key_is_not_refused(tmp_path, name):
    refuse_private_key(written(tmp_path, OTHERS[name]))


def test_nothing_that_goes_onto_a_device_is_refused():
    files = [path for folder in ("lib", "boards") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 20
    for path in files:
        refuse_private_key(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(click.ClickException, match="nothing.json cannot be read: No such file"):
        refuse_private_key(tmp_path / "nothing.json")

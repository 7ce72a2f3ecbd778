"""Makes and reads JSON Web Tokens with real signatures (RS256); no I/O.

In: claims and a key. Out: tokens, their claims if the signature is valid, and the public key in the two forms in which
Google publishes its own. ID tokens are signed with one key, which is made on first use and kept by the process, so that
a simulator that is restarted there accepts the tokens of the one before it.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, NamedTuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

_ALGORITHM = "RS256"
_BITS = 2048
_CERTIFICATE_DAYS = 365
# Clocks differ, and a token counts whole seconds.
_LEEWAY_SECONDS = 300
_NAME = "securetoken.system.gserviceaccount.com"
_making = threading.Lock()


class Key(NamedTuple):
    """A key to sign with, and the `kid` that tokens name it by."""

    private: rsa.RSAPrivateKey
    id: str


def make_key() -> Key:
    """Return a new key."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    public = private.public_key()
    return Key(private, x509.SubjectKeyIdentifier.from_public_key(public).digest.hex())


def signing_key() -> Key:
    """Return the key that signs all ID tokens of this process."""
    with _making:
        return _signing_key()


@cache
def _signing_key() -> Key:
    return make_key()


def sign(claims: dict[str, Any], key: Key) -> str:
    """Return a token with these claims."""
    return jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"kid": key.id})


def is_signed(token: str, public: rsa.RSAPublicKey) -> bool:
    """Return whether the owner of this public key signed `token`; its claims are not checked."""
    try:
        jwt.PyJWS().decode(token, public, algorithms=[_ALGORITHM])
    except jwt.InvalidTokenError:
        return False
    return True


def parse(text: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the header and the claims of a token without checking its signature, or None if it is not a JWT."""
    parts = text.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (binascii.Error, ValueError, RecursionError):
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def is_in_time(claims: dict[str, Any], now: float, most_seconds: int) -> bool:
    """Return whether a token is valid at this time by its own claims, and for at most `most_seconds`."""
    begins, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(begins, (int, float)) or not isinstance(ends, (int, float)):
        return False
    return begins - _LEEWAY_SECONDS <= now < ends and ends - begins <= most_seconds


def rfc3339(seconds: float) -> str:
    """Return a time in the format of Google's services."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def certificate(key: Key) -> str:
    """Return the public key in a self-signed certificate, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.private.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=_CERTIFICATE_DAYS))
    return builder.sign(key.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def jwk(key: Key) -> dict[str, Any]:
    """Return the public key as a JSON Web Key (RFC 7517)."""
    public = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {"kty": "RSA", "alg": _ALGORITHM, "use": "sig", "kid": key.id, "n": public["n"], "e": public["e"]}


def private_pem(key: Key) -> str:
    """Return the private key as in the key file of a service account."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private.private_bytes(encoding, form, serialization.NoEncryption()).decode()

"""Tokens for the tests, and the answers of the service that renews them."""

import json
from binascii import b2a_base64

from flamelet import Token
from flamelet.core.runtime import epoch_ms

from scripted import answer


def jwt(claims):
    """A JWT with these claims, and no signature."""
    part = b2a_base64(json.dumps(claims).encode()).decode().strip().replace("=", "")
    return "eyJhbGciOiJub25lIn0.%s." % part.replace("+", "-").replace("/", "_")


def now():
    """Seconds since 1970."""
    return epoch_ms() // 1000


def id_token(number):
    """One ID token of many, which are all as long."""
    return jwt({"sub": "d1", "exp": 9999999999, "n": number})


def token(left=3600, number=1, **others):
    """A Token with so many seconds left, and its refresh token."""
    text = jwt({"sub": "d1", "exp": now() + left, "n": number})
    content = {"id_token": text, "refresh_token": "refresh-1", "api_key": "the-key"}
    content.update(others)
    return Token(content)


def renewal(number, seconds=3600, refresh_token="refresh-1", headers=""):
    """The answer with the ID token of this number."""
    content = {
        "access_token": id_token(number),
        "expires_in": str(seconds),
        "id_token": id_token(number),
        "project_id": "12345",
        "refresh_token": refresh_token,
        "token_type": "Bearer",
        "user_id": "d1",
    }
    return answer(json.dumps(content), headers=headers)


def refusal(message, status="400 Bad Request"):
    """The answer to a refresh token that is refused."""
    error = {"code": int(status[:3]), "message": message, "status": "INVALID_ARGUMENT"}
    return answer(json.dumps({"error": error}), status)


def question(refresh_token="refresh-1"):
    """The request for a renewal, as it should be sent."""
    body = "grant_type=refresh_token&refresh_token=" + refresh_token
    head = "POST /v1/token?key=the-key HTTP/1.1\r\nHost: securetoken.googleapis.com\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    return (head + body).encode()

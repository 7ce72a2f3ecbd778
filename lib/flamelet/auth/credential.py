"""Checks what a user gives as a token, and fills a `Token` with it. Unloaded afterwards.

In: a str, or a dict as in token.json. Out: the attributes of a `Token`, or InvalidArgument.

Time: the lifetime of a token is counted in ticks. How much is left is read from the clock; if that cannot be right, the
token counts as new, and the server decides.
"""

from .. import _invalid
from ..core import push_id as _push_id
from ..core import url as _url
from ..core.runtime import const, epoch_ms

# Each kind has a parameter of its own at the Realtime Database.
_PREFIXES = {"id_token": "auth=", "access_token": "access_token=", "database_secret": "auth="}
_LIFETIME = const(3600)  # seconds that an ID token is valid: the most that is assumed


def fill_token(token, given) -> None:
    """Fill `token` from `given`, a str or a dict. Raises InvalidArgument if it is not a usable token."""
    content = given if isinstance(given, dict) else _content(given)
    if content.get("private_key"):
        raise _invalid("private_key")
    kinds = [kind for kind in _PREFIXES if content.get(kind)]
    if len(kinds) != 1:
        raise _invalid("kinds")
    kind = token.kind = kinds[0]
    token.refresh_token = content.get("refresh_token") if kind == "id_token" else None
    token.api_key = content.get("api_key")
    token.token_uri = content.get("token_uri")
    token.app_check = content.get("app_check")
    if token.refresh_token:
        _url.check_text(token.refresh_token, "the refresh_token")
        if not token.api_key:
            raise _invalid("api_key")
    token.carry(_PREFIXES[kind], content[kind])
    expires_at = _end(kind, content[kind], content.get("expires_at"))
    if token.refresh_token:
        token.serve(_left(expires_at))


def _content(text):
    """Return the dict, as in token.json, for the token `text`."""
    if _url.check_text(text, "the token").startswith("ya29."):
        return {"access_token": text}
    if text.count(".") != 2:
        raise _invalid("token")
    return {"id_token": text}


def _end(kind, text, expires_at):
    """Return when the token expires, or None if that is not known. Raises InvalidArgument if it is of another kind."""
    is_jwt = text.startswith("eyJ") and text.count(".") == 2
    if kind == "database_secret" or kind == "access_token" and not is_jwt:
        return expires_at
    if is_jwt != (kind == "id_token"):
        raise _invalid(kind)
    claims = _claims(text)
    if "identitytoolkit" in str(claims.get("aud")):
        raise _invalid("custom")
    return claims.get("exp")


def _claims(text):
    """Return the claims of a JWT (RFC 7519); only the server checks its signature."""
    import json
    from binascii import a2b_base64

    part = text.split(".")[1].replace("-", "+").replace("_", "/")
    try:
        claims = json.loads(a2b_base64(part + "=" * (-len(part) % 4)))
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise _invalid("id_token")
    return claims


def _left(expires_at):
    """Return the milliseconds until `expires_at`, at most the lifetime of an ID token."""
    from ..core.clock import corrected

    now = corrected(epoch_ms())
    if now < _push_id.EARLIEST or not isinstance(expires_at, (int, float)):
        return _LIFETIME * 1000
    return min(_LIFETIME * 1000, max(0, int(expires_at) * 1000 - now))

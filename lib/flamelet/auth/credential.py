"""What a token may be: reads what the user has, and refuses what no service would take. Unloaded when that is done.

In: a str, or a dict as in token.json. Out: the attributes of a `Token`, or InvalidArgument.

Time: how long a token serves is counted in ticks. Its end is read by the clock; where that cannot be right, the token
counts as new, and the server has the last word.
"""

from .. import _invalid
from ..core import push_id as _push_id
from ..core import url as _url
from ..core.runtime import const, epoch_ms

# The Realtime Database takes each kind in a parameter of its own.
_PREFIXES = {"id_token": "auth=", "access_token": "access_token=", "database_secret": "auth="}
_LIFETIME = const(3600)  # seconds that an ID token serves, which is the most that is believed


def fill_token(token, given) -> None:
    """Make of `token` what is `given`."""
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
    """The dict that says what `text` is."""
    if _url.check_text(text, "the token").startswith("ya29."):
        return {"access_token": text}
    if text.count(".") != 2:
        raise _invalid("token")
    return {"id_token": text}


def _end(kind, text, expires_at):
    """When the token ends, None if that is not known; InvalidArgument where it is of another kind."""
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
    """What a JWT says of itself (RFC 7519); its signature is for the server to check."""
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
    """Milliseconds until then."""
    from ..core.clock import corrected

    now = corrected(epoch_ms())
    if now < _push_id.EARLIEST or not isinstance(expires_at, (int, float)):
        return _LIFETIME * 1000
    return min(_LIFETIME * 1000, max(0, int(expires_at) * 1000 - now))

"""Pre-minted tokens: what proves to Firebase who the device is.

In: a token that was minted elsewhere (`flamelet mint`), as a str, a dict, or a file of such a dict. Out: what a request
needs to carry it. An ID token that came with its refresh token is renewed on the device, by refresh.py: a while before
it ends, and when the server says that it has ended. A token is never shown: not in `repr`, not in an error.

What a token may be is checked by credential.py, which is unloaded again: it is needed once.
"""

import sys

from .. import _invalid
from ..core import url as _url
from ..core.runtime import MICROPYTHON, const, ticks_add, ticks_diff, ticks_ms

_MARGIN = const(300000)  # milliseconds before its end that a token is renewed


class Token:
    """What a request carries to prove who asks.

    `token`: the text of a Firebase ID token or of a Google OAuth2 access token; or a dict as `flamelet mint` writes it:
    - {"id_token": ..., "refresh_token": ..., "api_key": ...}, which is renewed; without the last two it is not;
    - {"access_token": ...}: Google's, which cannot be renewed on a device;
    - {"database_secret": ...}: deprecated, and whoever has it owns the database.
    Beside it may stand "expires_at" (seconds since 1970), "app_check" (a token of App Check, which is sent along) and
    "token_uri" (where it is renewed, if not at Google's).

    `parameter` is what the Realtime Database takes, `headers` what Firestore and others do. After a renewal that could
    not be saved `unsaved` is the OSError.
    """

    kind: str
    refresh_token: str
    api_key: str
    token_uri: str
    app_check: str

    def __init__(self, token) -> None:
        from .credential import fill_token

        self.file: tuple = ()  # where it is saved: see token_file.py
        self.unsaved: object = None
        self.error: object = None  # what it was refused with; it stands until `due`
        self.end = self.due = ticks_ms()  # what they say counts where it `ends`
        self.ends = self.renewing = False
        fill_token(self, token)
        if MICROPYTHON:
            # It takes 3 KB of a board's heap. On a desktop another thread may be importing it.
            sys.modules.pop("flamelet.auth.credential", None)
            sys.modules["flamelet.auth"].__dict__.pop("credential", None)
        # What renews a token is loaded while there is room.
        if self.refresh_token:
            from . import refresh as _refresh  # noqa: F401

    def __repr__(self) -> str:
        return "Token(%s)" % self.kind

    @staticmethod
    def load(file: str) -> "Token":
        """The token in the JSON file `file`, or what came of it: each renewal is saved beside it."""
        from .token_file import load

        content, place = load(file)
        token = Token(content)
        token.file = place
        return token

    @property
    def text(self) -> str:
        """The token itself."""
        # Most need no percent-encoding: then they are kept once.
        return self._unquoted or self.parameter[self._text_at : self._text_end]

    @property
    def headers(self) -> tuple:
        """The headers that carry it; InvalidArgument for a database secret, which only the Realtime Database takes."""
        if self.kind == "database_secret":
            raise _invalid("secret")
        headers: tuple = ("Authorization: Bearer " + self.text,)
        return headers + ("X-Firebase-AppCheck: " + self.app_check,) if self.app_check else headers

    def is_due(self) -> bool:
        """Whether it has to be renewed, or was refused, before the next request. Allocates nothing."""
        return self.ends and (self.error is not None or ticks_diff(ticks_ms(), self.due) >= 0)

    def is_stale(self, parameters: list) -> bool:
        """Whether it is due, or not the one that these parameters of a request carry. Allocates nothing."""
        return self.parameter not in parameters or self.is_due()

    def revoke(self, parameter: str) -> None:
        """The service said that the token in this parameter serves no more: it is due, if it has not been renewed."""
        if self.refresh_token and parameter == self.parameter and not self.error:
            self.due = ticks_ms()

    def carry(self, prefix: str, text: str) -> None:
        """Be `text`; the Realtime Database takes it in the parameter that begins with `prefix`."""
        quoted = _url.quote(_url.check_text(text, "the token"))
        self._unquoted = None if quoted is text else text
        self.parameter = prefix + quoted
        self._text_at = len(prefix)
        self._text_end = len(self.parameter)
        if self.app_check:
            self.parameter += "&ac=" + _url.quote(_url.check_text(self.app_check, "app_check"))

    def serve(self, ms: int) -> None:
        """Count so many milliseconds until it ends, from now on."""
        self.ends = True
        self.end = ticks_add(ticks_ms(), ms)
        self.due = ticks_add(self.end, -min(ms // 8, _MARGIN))

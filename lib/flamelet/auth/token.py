"""Holds the token that proves to Firebase who the device is.

In: a token that was minted elsewhere (`flamelet mint`), as a str, a dict, or a file of such a dict. Out: what a request
needs to carry it. An ID token with its refresh token is renewed on the device, by refresh.py: a while before
it expires, and when the server says that it has expired. A token is never shown: not in `repr`, not in an error.

It is checked by credential.py, which is needed once, and unloaded again.
"""

import sys

from .. import _invalid
from ..core import url as _url
from ..core.runtime import MICROPYTHON, const, ticks_add, ticks_diff, ticks_ms

_MARGIN = const(300000)  # milliseconds before a token expires that it is renewed


class Token:
    """A token, which authenticates requests.

    `token`: the text of a Firebase ID token or of a Google OAuth2 access token; or a dict as `flamelet mint` writes it:
    - {"id_token": ..., "refresh_token": ..., "api_key": ...}, which is renewed; without the last two it is not;
    - {"access_token": ...}: Google's, which cannot be renewed on a device;
    - {"database_secret": ...}: deprecated, and gives full access to the database.
    The dict can also have "expires_at" (seconds since 1970), "app_check" (a token of App Check, which is sent along)
    and "token_uri" (the URL at which it is renewed, if not Google's).

    `parameter` is for the Realtime Database, `headers` for Firestore and others. If a renewal could not be saved,
    `unsaved` is the OSError.
    """

    kind: str
    refresh_token: str
    api_key: str
    token_uri: str
    app_check: str

    def __init__(self, token) -> None:
        from .credential import fill_token

        self.file: tuple = ()  # the place of its file: see token_file.py
        self.unsaved: object = None
        self.error: object = None  # the error with which it was refused; it is raised until `due`
        self.end = self.due = ticks_ms()  # they count only if it `ends`
        self.ends = self.renewing = False
        fill_token(self, token)
        if MICROPYTHON:
            # It takes 3 KB of a board's heap. On a desktop another thread may be importing it.
            sys.modules.pop("flamelet.auth.credential", None)
            sys.modules["flamelet.auth"].__dict__.pop("credential", None)
        # The renewal is loaded while there is room for it.
        if self.refresh_token:
            from . import refresh as _refresh  # noqa: F401

    def __repr__(self) -> str:
        return "Token(%s)" % self.kind

    @staticmethod
    def load(file: str) -> "Token":
        """Return the token in the JSON file `file`, or its last renewal: each one is saved beside the file."""
        from .token_file import load

        content, place = load(file)
        token = Token(content)
        token.file = place
        return token

    @property
    def text(self) -> str:
        """The token itself."""
        # Most need no percent-encoding: then the text is stored once.
        return self._unquoted or self.parameter[self._text_at : self._text_end]

    @property
    def headers(self) -> tuple:
        """The headers that carry it. Raises InvalidArgument for a database secret: it is for the Realtime Database."""
        if self.kind == "database_secret":
            raise _invalid("secret")
        headers: tuple = ("Authorization: Bearer " + self.text,)
        return headers + ("X-Firebase-AppCheck: " + self.app_check,) if self.app_check else headers

    def is_due(self) -> bool:
        """Return whether it has to be renewed before the next request, or was refused. Allocates nothing."""
        return self.ends and (self.error is not None or ticks_diff(ticks_ms(), self.due) >= 0)

    def is_stale(self, parameters: list) -> bool:
        """Return whether it is due, or not the one in these parameters of a request. Allocates nothing."""
        return self.parameter not in parameters or self.is_due()

    def revoke(self, parameter: str) -> None:
        """Make the token due, unless it was renewed: the service said that the one in `parameter` has expired."""
        if self.refresh_token and parameter == self.parameter and not self.error:
            self.due = ticks_ms()

    def carry(self, prefix: str, text: str) -> None:
        """Take the token `text`; its parameter for the Realtime Database begins with `prefix`."""
        quoted = _url.quote(_url.check_text(text, "the token"))
        self._unquoted = None if quoted is text else text
        self.parameter = prefix + quoted
        self._text_at = len(prefix)
        self._text_end = len(self.parameter)
        if self.app_check:
            self.parameter += "&ac=" + _url.quote(_url.check_text(self.app_check, "app_check"))

    def serve(self, ms: int) -> None:
        """Set how many milliseconds it is valid from now on."""
        self.ends = True
        self.end = ticks_add(ticks_ms(), ms)
        self.due = ticks_add(self.end, -min(ms // 8, _MARGIN))

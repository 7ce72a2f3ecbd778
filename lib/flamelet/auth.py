"""Pre-minted tokens: what proves to Firebase who the device is.

In: a token that was minted elsewhere, as a str, a dict or a JSON file. Out: what a request needs to carry it. A token
is never shown: not in `repr`, not in an error.
"""

from . import _url
from .errors import InvalidArgument


class Token:
    """A Firebase ID token (sent as `auth=`) or a Google OAuth2 access token (sent as `access_token=`).

    `token`: the text of the token. Google's access tokens are told by their beginning, "ya29.".
    """

    def __init__(self, token: str) -> None:
        if not token:
            raise InvalidArgument("the token is empty: mint one, or give None to send none")
        self._text = _url.check_text(token, "the token")

    def __repr__(self) -> str:
        return "Token(...)"

    @classmethod
    def load(cls, file: str) -> "Token":
        """The token in the JSON file `file`: {"id_token": ...} or {"access_token": ...}."""
        import json

        try:
            with open(file) as stream:
                content = json.load(stream)
        except (OSError, ValueError) as error:
            raise InvalidArgument("the token file %s cannot be read (%s)" % (file, error))
        token = None
        if isinstance(content, dict):
            token = content.get("id_token") or content.get("access_token")
        if not token:
            raise InvalidArgument('%s has no token: it holds {"id_token": ...} or {"access_token": ...}' % file)
        return cls(token)

    def parameter(self) -> str:
        """The query parameter that carries the token to the Realtime Database."""
        return ("access_token=" if self._text.startswith("ya29.") else "auth=") + _url.quote(self._text)


def to_token(token) -> Token:
    """`token` as a Token: it may be one, a str, or None."""
    return token if token is None or isinstance(token, Token) else Token(token)

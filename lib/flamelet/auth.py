"""Pre-minted tokens: what proves to Firebase who the device is.

In: a token that was minted elsewhere, as a str or in a JSON file. Out: what a request needs to carry it. A token is
never shown: not in `repr`, not in an error.
"""

from . import _url


class Token:
    """A Firebase ID token (sent as `auth=`) or a Google OAuth2 access token (sent as `access_token=`).

    `token`: the text of the token. Google's access tokens are told by their beginning, "ya29.". `parameter` is the
    query parameter that carries the token to the Realtime Database.
    """

    def __init__(self, token: str) -> None:
        text = _url.quote(_url.check_text(token, "the token"))
        self.parameter = ("access_token=" if text.startswith("ya29.") else "auth=") + text

    def __repr__(self) -> str:
        return "Token(...)"

    @staticmethod
    def load(file: str) -> "Token":
        """The token in the JSON file `file`: {"id_token": ...} or {"access_token": ...}."""
        from ._token_file import load

        return Token(load(file))

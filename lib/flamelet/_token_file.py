"""Files of tokens: JSON, {"id_token": ...} or {"access_token": ...}. Loaded by `Token.load`."""

import json

from . import InvalidArgument


def load(file: str) -> str:
    """The text of the token in `file`."""
    try:
        with open(file) as stream:
            content = json.load(stream)
    except (OSError, ValueError) as error:
        raise InvalidArgument("the token file %s cannot be read (%s)" % (file, error))
    token = None
    if isinstance(content, dict):
        token = content.get("id_token") or content.get("access_token")
    if not isinstance(token, str) or not token:
        raise InvalidArgument('%s has no token: it holds {"id_token": ...} or {"access_token": ...}' % file)
    return token

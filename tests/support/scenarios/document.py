"""Calls as the document of the REST API has them, with all that an error tells."""

from flamelet import FlameletError


def calls(connect, say, url, calls, options):
    """What came of each call [method, arguments, options]: ["ok", result], or what its error tells."""
    with connect(url, **options) as db:
        return [_told(getattr(db, method), arguments, wishes) for method, arguments, wishes in calls]


def _told(method, arguments, options):
    try:
        return ["ok", method(*arguments, **options)]
    except FlameletError as error:
        code = getattr(error, "code", "")
        return ["error", type(error).__name__, error.status, code, error.text, error.retry]


def listen(connect, say, url, path):
    """Say each event of `path`; how the stream ended: the class of the error, and the server's words."""
    with connect(url) as db, db.listen(path) as stream:
        try:
            while True:
                event = stream.next(5000)
                say(event and [event.type, event.path, event.data])
        except FlameletError as error:
            return [type(error).__name__, error.text, error.retry, stream.closed]

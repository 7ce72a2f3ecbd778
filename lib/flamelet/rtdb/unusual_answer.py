"""Handles an answer to a push that is not the usual 204. Loaded with the first one."""

from ..diagnosis.failures import check


def is_done(reading, connection):
    """Return whether the reading was written; False if it has to be sent again. Raises the error of a refusal."""
    status = connection.response.status
    if status == 503 or 300 <= status < 400:
        return False
    reading.pending = status == 429 or status >= 500
    if status == 401 and reading.client.token:
        from ..auth.refresh import may_renew

        if may_renew(reading.client, connection, reading.request):
            return False
    return check(connection, reading.request)

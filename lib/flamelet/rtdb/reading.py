"""Prepares the request of a reading for the Realtime Database: a PUT under a new key, whose answer is 204."""

from ..core import push_id as _push_id
from ..core import url as _url
from ..core.buffer import put_text
from ..core.path import keys
from ..feed import feed
from .exchange import answered, target


class Reading(feed.Reading):
    """The request of a reading below `path`."""

    def __init__(self, client, path: str, fields: tuple) -> None:
        self.path = "/".join(keys(path))
        super().__init__(client, fields)

    def prepare(self):
        """Build the request around a key and a length that are yet to be written, unless it exists already."""
        client = self.client
        parameters = client.parameters()
        if parameters != self.parameters:
            self.parameters = parameters
            key = "-" * _push_id.SIZE
            place = target(client, "%s/%s" % (self.path, key), "print=silent")
            verb = b"PUT "
            rest = " HTTP/1.1\r\nHost: %s\r\nContent-Length:" % _url.host_header(client.origin)
            if client.override:
                from ..client.method_override import overridden

                verb, rest = overridden(client, rest)
            request = self.new_request(len(verb) + len(place) + len(rest))
            # heap: in pieces, since with a token each copy of the whole takes more than a kilobyte.
            at = put_text(request, put_text(request, 0, verb), place.encode())
            put_text(request, at, rest.encode())
            self.key_at = request.find((key + ".json").encode())

    def is_done(self, connection):
        """Return whether the reading was written; False if it has to be sent again.

        Raises the error of a refusal.
        """
        self.pending = connection.response.status != 204
        if self.pending:
            from .unusual_answer import is_done

            return is_done(self, connection)
        return True

    def answered(self, attempt):
        """Flow: send the request with everything that the hot path omits."""
        return answered(self.client, self.request, self.size, True, attempt)

    def push_many(self, rows):
        """Flow: write many readings in one PATCH, all or none."""
        from .push import push_many

        return push_many(self.client, self, rows)

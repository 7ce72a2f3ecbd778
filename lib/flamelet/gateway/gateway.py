"""Reads and writes through endpoints of Firebase Express SDK: a company's own API in front of Firestore.

In: paths of that API, and documents as dicts. Out: documents, ids and the server's messages, without their
envelope; an error in the envelope is raised. The server defines its paths. The SDK has no authentication of its own, so
a token is sent as a Bearer token, and further headers may be given. (Source: "Response format" of the SDK.)

Memory: one document at a time, also of a list.
"""

from ..client.client import Client, Service


class GatewayClient(Client):
    """A client that sends its token in a header. `headers`: the lines of further headers."""

    # The server defines the text of a 401: any may mean that the token has expired.
    blames_token = True

    def __init__(self, headers, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.headers: tuple = ()
        if headers:
            from .headers import lines

            self.headers = lines(headers, self.token)

    def parameters(self):
        """Return the query parameters of every request."""
        return [self.query] if self.query else []


class Gateway(Service):
    """The endpoints below `url`, like "https://host/api".

    Arguments: `token`: a `Token`, its text, its dict, or None; `headers`: {name: value}, for a proxy for example;
    `options`: as for `flamelet.Database`.

    Its methods raise the errors of errors.py: NotFound, MissingKeys, ExtraKeys and GatewayError for messages of the
    SDK, the others for HTTP errors of the server or of a proxy.
    """

    def __init__(self, url: str, token=None, headers=None, **options) -> None:
        self._client = GatewayClient(headers, self._pump, url, token, **options)

    def list(self, path: str):
        """Iterate over the documents of a list, as they arrive. At the end its `message` is the server's, or None."""
        # heap: through the package, whose imports leave no holes on a board.
        from . import document_list

        return document_list.Documents(self._client, path)

    def get(self, path: str):
        """Return the document at `path`. Raises NotFound if there is none."""
        from . import documents

        return self._client.run(documents.get(self._client, path))

    def create(self, path: str, document: dict, repeat: bool = False):
        """Write a new document. Returns its id, which the server makes.

        So it is not repeated if the answer is lost: OutcomeUnknown is raised, unless `repeat` allows it.
        """
        from . import documents

        return self._client.run(documents.create(self._client, path, document, repeat))

    def replace(self, path: str, document: dict):
        """Write the document at `path`, in place of an old one. Returns the server's message."""
        from . import documents

        return self._client.run(documents.write(self._client, "PUT", path, document))

    def update(self, path: str, fields: dict):
        """Write these fields of the document at `path`. Returns the server's message."""
        from . import documents

        return self._client.run(documents.write(self._client, "PATCH", path, fields))

    def delete(self, path: str):
        """Delete the document at `path`. Returns the server's message, which is the same if there was none."""
        from . import documents

        return self._client.run(documents.delete(self._client, path))

    def feed(self, path: str, fields: tuple, post: bool = False, outbox=None):
        """Return a feed of readings; `fields`: a tuple of (name, decimals).

        A reading is written with PUT at `path`/id, whose id is made here: a repeat is idempotent. With `post`, if
        the server has no such route, it is a POST to `path`, which is not repeated if the answer is lost.
        With `outbox`, a `flamelet.Outbox`, it can `record` and `flush`.
        """
        # heap: through the package, whose imports leave no holes on a board.
        from . import reading

        feed = self._new_feed(reading.Reading(self._client, path, fields, post))
        if outbox:
            from . import records

            return records.recording(feed, outbox, path)
        return feed

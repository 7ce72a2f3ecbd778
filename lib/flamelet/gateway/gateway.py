"""Reads and writes through endpoints of Firebase Express SDK: a company's own API in front of Firestore.

In: paths of that API, and documents as dicts. Out: documents, ids and the server's messages, without the envelope in
which they come; an error in the envelope is raised. Who made the server chose its paths; there is no auth of its own,
so a token goes as a Bearer token, and further headers may be given. (Source: "Response format" of the SDK.)

Memory: a document is held whole, of a list one document at a time.
"""

from ..client.client import Client, Service


class GatewayClient(Client):
    """A client whose token goes into a header. `headers`: the lines of further ones."""

    # Whoever made the server chose the words of a 401: any may mean that the token has ended.
    blames_token = True

    def __init__(self, headers, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.headers: tuple = ()
        if headers:
            from .headers import lines

            self.headers = lines(headers, self.token)

    def parameters(self):
        """What the query of every request carries."""
        return [self.query] if self.query else []


class Gateway(Service):
    """The endpoints below `url`, as "https://host/api".

    Arguments: `token`: a `Token`, its text, a dict of it, or None; `headers`: {name: value}, what stands in front of
    the server may want; `options`: as for `flamelet.Database`.

    Raises what errors.py has: NotFound, MissingKeys, ExtraKeys, GatewayError for what the SDK says; the errors of HTTP
    for what the server, or a proxy in front of it, says.
    """

    def __init__(self, url: str, token=None, headers=None, **options) -> None:
        self._client = GatewayClient(headers, self._pump, url, token, **options)

    def list(self, path: str):
        """Iterate over the documents of a list, as they arrive; then its `message` is what the server said, or None."""
        # By the package, which on a board sees to it that an import leaves no holes in the heap.
        from . import document_list

        return document_list.Documents(self._client, path)

    def get(self, path: str):
        """The document at `path`; NotFound where there is none."""
        from . import documents

        return self._client.run(documents.get(self._client, path))

    def create(self, path: str, document: dict, repeat: bool = False):
        """Write a new document; its id, which the server makes: so it is not repeated where the answer is lost
        (OutcomeUnknown), unless `repeat` says that it may."""
        from . import documents

        return self._client.run(documents.create(self._client, path, document, repeat))

    def replace(self, path: str, document: dict):
        """Write the document at `path` anew, or a new one; the server's message."""
        from . import documents

        return self._client.run(documents.write(self._client, "PUT", path, document))

    def update(self, path: str, fields: dict):
        """Write these fields of the document at `path`; the server's message."""
        from . import documents

        return self._client.run(documents.write(self._client, "PATCH", path, fields))

    def delete(self, path: str):
        """Delete the document at `path`; the server's message, the same where there was none."""
        from . import documents

        return self._client.run(documents.delete(self._client, path))

    def feed(self, path: str, fields: tuple, post: bool = False, outbox=None):
        """A feed of readings; `fields`: a tuple of (name, decimals).

        A reading is written with PUT at `path`/id, whose id is made here: a repeat is the same reading. With `post`,
        where the server has no such route, it is a POST to `path`, which is not repeated where the answer is lost.
        With `outbox`, a `flamelet.Outbox`, it can `record` and `flush`.
        """
        # By the package, which on a board sees to it that an import leaves no holes in the heap.
        from . import reading

        feed = self._new_feed(reading.Reading(self._client, path, fields, post))
        if outbox:
            from . import records

            return records.recording(feed, outbox, path)
        return feed

"""Reads lists of Firestore page by page: documents of a collection, ids of collections.

In: a collection or a document. Out: an iterator, `async for` if the Firestore is awaited. Memory: one page.
"""

from ..client.iteration import Iteration
from .path import collection as check_collection
from .rest import call_object


class Pages(Iteration):
    """An iterator over the items.

    `ask(page_token)` is a flow that returns (what is on the page, the token of the next one).
    """

    def __init__(self, client, ask) -> None:
        self._client = client
        self._ask = ask
        self._items: list = []
        self._token: object = ""

    def close(self) -> None:
        """End the iteration: no more pages are read."""
        self._items = []
        self._token = None

    def next_item(self):
        """Flow: return the next item, or None at the end."""
        while not self._items:
            if self._token is None:
                return None
            items, token = yield from self._ask(self._token)
            # The last one first, so each can be popped from the end.
            self._items = items[::-1]
            self._token = token or None
        return self._items.pop()


def documents(client, path, options):
    """Iterate over the `Document`s of the collection at `path`."""
    from .document import document
    from .read import parameters

    name = "%s/%s" % (client.root, "/".join(check_collection(path)))
    given = {}
    for key, parameter in (("page_size", "pageSize"), ("order_by", "orderBy"), ("show_missing", "showMissing")):
        if key in options:
            given[parameter] = options.pop(key)
    given.update(parameters(options))

    def ask(page_token):
        if page_token:
            given["pageToken"] = page_token
        answer = yield from call_object(client, "GET", name, None, given)
        return [document(client, content) for content in answer.get("documents", [])], answer.get("nextPageToken")

    return Pages(client, ask)


def collections(client, path):
    """Iterate over the ids of the collections below the document at `path`, or of the database for ""."""
    from .document import name_of

    name = name_of(client, path) if path else client.root

    def ask(page_token):
        body = {"pageToken": page_token} if page_token else {}
        answer = yield from call_object(client, "POST", name + ":listCollectionIds", body)
        return answer.get("collectionIds", []), answer.get("nextPageToken")

    return Pages(client, ask)

"""Reads, writes and listens to a Realtime Database over REST: the names of `firebase_admin.db`.

In: paths and values of Python. Out: values, keys, streams and feeds, or one of our errors. Each method makes a flow, in
a module that is loaded with the first call, and hands it to the pump of the client: here one that blocks, in
`flamelet.aio` one that awaits; nothing else differs.

Limits are the service's: keys of at most 768 bytes of UTF-8, without . # $ [ ] / and control characters.
"""

from ..client.client import Client, Service
from ..core.runtime import MICROPYTHON


class Database(Service):
    """A Realtime Database.

    Arguments:
    - `url`: "https://NAME-default-rtdb.firebaseio.com"; http:// only to loopback, or with `insecure=True`.
    - `token`: a `Token`, its text, or None.
    - `ca`: root certificates to trust in place of the shipped ones: DER or PEM bytes, or a file name.
    - `budget`: how many connections may be open at a time, 1 or more, or a `Budget` shared with other clients.
    - `timeouts`: a `Timeouts`.
    - `answer_bytes`: the largest answer, in bytes.
    - `override`: for a proxy that allows only GET and POST: "header" or "parameter", in which the method is sent.
    - `transport`: a module like MicroPython's `requests`, if that is the only way to the network; without streams.

    On a desktop FIREBASE_DATABASE_EMULATOR_HOST selects the emulator, as in Google's SDKs.
    (Source: the Firebase Database REST API.)
    """

    def __init__(self, url: str, token=None, **options) -> None:
        if not MICROPYTHON:
            from ..core.emulators import emulated

            url = emulated(url, options)
        self._client = Client(self._pump, url, token, **options)

    def get(self, path: str, **options):
        """Return the value at `path`, or None if there is none.

        `options`: `shallow=True`: only the keys of an object, each with True; `etag=True`: return (value, its ETag);
        and the parameters of the REST API for a GET, like `format="export"` or `timeout="3s"`. With `callback` the
        result is JavaScript, as a str.
        """
        from . import read as module

        return self._client.run(module.get(self._client, path, options))

    def set(self, path: str, value: object, **options):
        """Write `value` at `path`; None deletes.

        `options`: `if_match=etag`: raise PreconditionFailed unless the present value has this ETag; `etag=True`: return
        the new ETag; `write_size_limit`: "tiny", "small", "medium", "large" or "unlimited".
        """
        from . import write as module

        return self._client.run(module.set(self._client, path, value, options))

    def push(self, path: str, value: object, server_key: bool = False, **options):
        """Write `value` under a new key below `path`. Returns the key. It is made here, so a repeated PUT is
        idempotent.

        If it stays unknown whether it was written, OutcomeUnknown is raised: another call would write another value.
        With `server_key` the server makes the key (POST), which is never repeated. `options` as for `set`, but no
        condition; with `etag=True` it returns (key, ETag).
        """
        from . import push as module

        return self._client.run(module.push(self._client, path, value, server_key, options))

    def update(self, path: str, values: dict, **options):
        """Write each value of `values` at its key below `path`, all or none. A key may be a path; None deletes.

        `options`: `write_size_limit`.
        """
        from . import write as module

        return self._client.run(module.update(self._client, path, values, options))

    def delete(self, path: str, **options):
        """Delete what is at `path`; `options` as for `set`."""
        from . import write as module

        return self._client.run(module.delete(self._client, path, options))

    def listen(self, path: str, **options):
        """Return a `Stream` of the changes at `path`; see there for the options, like `event_bytes` and `pattern`."""
        from . import stream

        return stream.Stream(self._client, path, **options)

    def feed(self, path: str, fields: tuple, outbox=None):
        """Return a `Feed` of readings below `path`; `fields`: a tuple of (name, decimals).

        With `outbox`, a `flamelet.Outbox`, it can `record` and `flush`.
        """
        # heap: through the package, whose imports leave no holes on a board.
        from . import reading

        feed = self._new_feed(reading.Reading(self._client, path, fields))
        if outbox:
            from . import records

            return records.recording(feed, outbox, path)
        return feed

    def get_if_changed(self, path: str, etag: str):
        """Return (True, value, its ETag), or (False, None, None) if the value still has this ETag."""
        from . import transaction as module

        return self._client.run(module.get_if_changed(self._client, path, etag))

    def set_if_unchanged(self, path: str, etag: str, value: object):
        """Write `value` if the present one has this ETag; "null_etag": if there is none.

        Returns (True, value, its ETag), or (False, the present value, its ETag) if it was changed.
        """
        from . import transaction as module

        return self._client.run(module.set_if_unchanged(self._client, path, etag, value))

    def transaction(self, path: str, function):
        """Write function(present value), again as long as others change it meanwhile. Returns what was written."""
        from . import transaction as module

        return self._client.run(module.transaction(self._client, path, function))

    def query(self, path: str):
        """Return a `Query` of the children of `path`."""
        from . import query as module

        return module.Query(self._client, self.listen, path)

    def walk(self, path: str, pattern: str, raw: bool = False, value_bytes: int = 8192):
        """Return a `Walk` over each (path, value) below `path` whose path matches `pattern`."""
        from . import walk as module

        return module.Walk(self._client, path, pattern, raw, value_bytes)

    def mirror(self, path: str, **options):
        """Return a `Mirror` of `path`: its value, kept up to date, and the changes of it."""
        from . import mirror as module

        return module.Mirror(self._client, self.listen(path, **options))

    def get_rules(self):
        """Return the security rules, as {"rules": {...}}."""
        from . import rules as module

        return self._client.run(module.get_rules(self._client))

    def set_rules(self, rules: dict, dry_run: bool = False):
        """Write the security rules."""
        from . import rules as module

        return self._client.run(module.set_rules(self._client, rules, dry_run))

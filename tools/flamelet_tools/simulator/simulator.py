"""Runs a Realtime Database and a Cloud Firestore on this computer: a real HTTP server, with faults on demand.

    with Simulator() as sim:
        requests.put(sim.url + "/devices/d1.json", json={"on": True})
        assert sim.get("devices/d1") == {"on": True}

Cloud Firestore is below `/v1/projects/` on the same port, with its documents in `sim.firestore`. Its rules
are a Python function; Google's emulator evaluates the real language. Its documents are not kept in the data file.

    with Simulator() as sim:
        fs = flamelet.Firestore(sim.project, url=sim.url + "/v1")
        fs.set("cities/LA", {"pop": 3_900_000})
        assert sim.firestore.get("cities/LA") == {"pop": 3_900_000}

It also serves the accounts of its project: Identity Toolkit, Secure Token and OAuth2, with real signatures (see
`identity`). `sign_in(uid)` returns what `flamelet mint` writes to token.json, `token_seconds` is the lifetime of such a
token (2 for a test that waits for its end), and `revoke`, `disable` and `delete_user` end its refresh token.
`service_account()` returns a key file whose tokens come from the simulator too.

    with Simulator(token_seconds=2) as sim:
        db = flamelet.Database(sim.url, flamelet.Token(sim.sign_in("device-1", {"site": "A"})), insecure=True)

It runs in a thread with its own event loop; every method may be called from any other thread. `flamelet sim` runs it as
a program, and `control` gives the same control over HTTP.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from flamelet_tools.simulator.accounts import tokens
from flamelet_tools.simulator.accounts.accounts import (
    DATABASE_SCOPES,
    LOGIN_SCOPES,
    TOKEN_SECONDS,
    Accounts,
    Refreshes,
    Rotation,
    ServiceAccount,
)
from flamelet_tools.simulator.firestore.control import Documents
from flamelet_tools.simulator.firestore.rules import Rules as FirestoreRules
from flamelet_tools.simulator.gateway.endpoints import parse
from flamelet_tools.simulator.google import identity, oauth2
from flamelet_tools.simulator.rtdb import event_bytes, rest, tree
from flamelet_tools.simulator.rtdb.events import Change
from flamelet_tools.simulator.rtdb.rules import Rules, parse_rules
from flamelet_tools.simulator.server import control, running
from flamelet_tools.simulator.server.faults import Fault
from flamelet_tools.simulator.server.running import Options
from flamelet_tools.simulator.server.state import Record, State, database, end_forbidden_streams, end_streams, publish

__all__ = ["Record", "Simulator"]

T = TypeVar("T")
_DEADLINE_SECONDS = 30


class Simulator:
    """A simulator; run it by `with`, or by `start` and `stop`.

    Args:
        port: 0 chooses a free one; `url` has it.
        host: the address to listen on; the default is reachable from this machine only.
        tls: True for HTTPS with a CA made at start (`ca_pem`, `ca_der`), or your own SSLContext.
        token: None accepts every request; else only those that carry it as `auth`, `access_token` or bearer.
        redirect: of "streams" and "writes", those that are redirected by 307 to a second port of this simulator.
        keep_alive_seconds: between two `keep-alive` events of a stream.
        data_file: keeps the data of the Realtime Database there; see `data_file` for when it is written.
        idle_seconds: closes a connection that was silent for this time; None keeps it open.
        requests_per_connection: the last of these is answered with `Connection: close`.
        rules: security rules of the default database, as an object or as text; see `rules`.
        databases: the regions, by name, of the existing databases besides the default one, or including it:
            `{"my-db": "europe-west1"}`. Others are answered by 404, and a host with a wrong region by the right one.
            None: every database exists, in every region.
        on_request: is called with the Record of each answered request, in the simulator's thread.
        project: the ID of the project.
        token_seconds: the lifetime of ID tokens and of OAuth2 tokens.
        rotation: what a refresh does to the refresh token: None returns the same one, "keep" returns a new one and
            keeps the old one valid, "end" returns a new one and ends the old one.
        firestore_rules: judges requests to Cloud Firestore with an ID token or without a token: a function of
            `request.auth`, the method (get, list, create, update, delete), the path (`cities/LA`, `cities`, of a
            collection group `**/landmarks`), the document and the new document (in plain Python, or None), which
            returns whether the request is allowed. None allows all. Google's emulator evaluates the real language.
        gateway: collections and actions of a server with Firebase Express SDK, whose documents are those of
            `firestore` here; see `gateway` for its form. It answers all but the requests of Firebase's own services.
        strict: refuses every token that this simulator did not issue, as the live service would; else a JWT with
            another key is read for its claims, and anything that is not a JWT counts as an administrator's.
    """

    def __init__(
        self,
        port: int = 0,
        tls: bool | ssl.SSLContext = False,
        token: str | None = None,
        redirect: Iterable[str] = (),
        keep_alive_seconds: float = 30,
        data_file: str | Path | None = None,
        idle_seconds: float | None = None,
        requests_per_connection: int | None = None,
        *,
        host: str = "127.0.0.1",
        rules: dict[str, Any] | str | None = None,
        databases: Mapping[str, str] | None = None,
        on_request: Callable[[Record], None] | None = None,
        project: str = "demo",
        token_seconds: int = TOKEN_SECONDS,
        rotation: Rotation = None,
        firestore_rules: FirestoreRules | None = None,
        gateway: dict[str, Any] | None = None,
        strict: bool = False,
    ):
        kinds = frozenset(redirect)
        if isinstance(redirect, str) or not kinds <= {"streams", "writes"}:
            raise ValueError(f'redirect must be a tuple of "streams" and "writes", not {redirect!r}')
        regions = None if databases is None else rest.parse_databases(databases)
        accounts = Accounts(project, strict=strict)
        self._state = State(token, kinds, keep_alive_seconds, requests_per_connection, regions, accounts)
        self.token_seconds = token_seconds
        self.rotation = rotation
        database(self._state, rest.DEFAULT_NAMESPACE).rules = _parse_rules(rules)
        if on_request:
            self._state.on_request = on_request
        self._state.firestore.rules = firestore_rules
        self._state.gateway = None if gateway is None else parse(gateway, project)
        self.firestore = Documents(self._state.firestore, project, self._call)
        self._options = Options(host, port, tls, idle_seconds, Path(data_file) if data_file else None)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: running.Running | None = None
        self._failure: Exception | None = None

    def start(self) -> Simulator:
        """Start the simulator, and return when it is ready.

        Raises: OSError if the port is in use; ValueError if the data file was not written by a simulator.
        """
        ready: concurrent.futures.Future[running.Running] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="simulator", daemon=True)
        self._thread.start()
        self._running = ready.result(_DEADLINE_SECONDS)
        return self

    def stop(self) -> None:
        """End all streams and connections, write the data file, and return when all of it is closed.

        Raises: OSError if the data file could not be written.
        """
        if self._running is None or self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._running.stopping.set)
        self._thread.join(_DEADLINE_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError(f"the simulator did not stop within {_DEADLINE_SECONDS} s")
        self._running = None
        if self._failure:
            raise self._failure

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._require_running().port

    @property
    def url(self) -> str:
        """The origin of the server, such as `http://127.0.0.1:43211`."""
        return self._require_running().url

    @property
    def ca_pem(self) -> bytes | None:
        """The certificate to trust, as PEM; None without TLS or with your own SSLContext."""
        return self._require_running().ca_pem

    @property
    def ca_der(self) -> bytes | None:
        """The certificate to trust, as DER, which is the form for MicroPython."""
        return ssl.PEM_cert_to_DER_cert(self.ca_pem.decode()) if self.ca_pem else None

    @property
    def token(self) -> str | None:
        """The token that requests must carry; may be set while it runs, for example to expire a token."""
        return self._state.token

    @token.setter
    def token(self, token: str | None) -> None:
        self._state.token = token

    @property
    def project(self) -> str:
        """The ID of the project."""
        return self._accounts.project

    @property
    def api_key(self) -> str:
        """The API key of that project; any other is refused."""
        return self._accounts.api_key

    @property
    def token_uri(self) -> str:
        """The URL at which ID tokens are refreshed: that of Secure Token in this simulator."""
        return f"{self.url}/{identity.SECURE_TOKEN}/v1/token"

    @property
    def token_seconds(self) -> int:
        """The lifetime of the issued ID tokens and OAuth2 tokens; may be set while it runs."""
        return self._accounts.token_seconds

    @token_seconds.setter
    def token_seconds(self, seconds: int) -> None:
        if not isinstance(seconds, int) or seconds < 1:
            raise ValueError(f"token_seconds must be a whole number of 1 or more, not {seconds!r}")
        self._accounts.token_seconds = seconds

    @property
    def rotation(self) -> Rotation:
        """What a refresh does to the refresh token; may be set while it runs."""
        return self._accounts.rotation

    @rotation.setter
    def rotation(self, rotation: Rotation) -> None:
        if rotation not in (None, "keep", "end"):
            raise ValueError(f'rotation must be None, "keep" or "end", not {rotation!r}')
        self._accounts.rotation = rotation

    @property
    def refreshes(self) -> Refreshes:
        """How often Secure Token was asked for an ID token, and how often it granted one: `(asked, granted)`.

        Requests that a fault kept from it are not counted here; `requests` has them.
        """
        return self._call(lambda: Refreshes(self._accounts.asked, self._accounts.granted))

    def add_user(self, email: str, password: str, uid: str = "", claims: dict[str, Any] | None = None) -> str:
        """Make an account that signs in by e-mail address and password; return its uid, a random one unless given.

        Args:
            email, password: the password has 6 characters or more.
            uid: the uid of the account.
            claims: custom claims of all its ID tokens.
        Raises: accounts.Refused, as for EMAIL_EXISTS.
        """
        return self._call(lambda: self._accounts.add_user(time.time(), uid, email, password, claims).uid)

    def sign_in(self, uid: str, claims: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sign in as by a custom token with these claims; make the account if there is none.

        Returns: id_token, refresh_token, api_key, expires_at (seconds since 1970) and token_uri, as in token.json.
        Raises: accounts.Refused, as for USER_DISABLED or for claims that a token may not have.
        """
        given = self._call(lambda: self._accounts.sign_in_as(uid, claims or {}, time.time()))
        return {**given._asdict(), "api_key": self.api_key, "token_uri": self.token_uri}

    def revoke(self, uid: str) -> None:
        """End the refresh tokens of this user; its ID tokens stay valid until they expire. Raises: accounts.Refused."""
        self._call(lambda: setattr(self._accounts.user(uid), "valid_since", time.time()))

    def disable(self, uid: str) -> None:
        """Disable this user: no sign-in, no refresh; its ID tokens stay valid until they expire. Raises:
        accounts.Refused.
        """
        self._call(lambda: setattr(self._accounts.user(uid), "is_disabled", True))

    def enable(self, uid: str) -> None:
        """Enable this user again, and with it its refresh tokens. Raises: accounts.Refused."""
        self._call(lambda: setattr(self._accounts.user(uid), "is_disabled", False))

    def delete_user(self, uid: str) -> None:
        """Delete this user; its ID tokens stay valid until they expire. Raises: accounts.Refused."""
        self._call(lambda: self._accounts.delete(self._accounts.user(uid)))

    def service_account(self, name: str = "firebase-adminsdk") -> dict[str, Any]:
        """Make a service account; return its key file. Its `token_uri` is here, so no request leaves this machine.

        Each call with the same name gives a new key, and ends the previous one.
        """
        key = tokens.make_key()
        account = ServiceAccount(f"{name}@{self.project}.iam.gserviceaccount.com", key.private.public_key())
        self._call(lambda: self._accounts.trust(account))
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": key.id,
            "private_key": tokens.private_pem(key),
            "client_email": account.email,
            "client_id": account.id,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": self._oauth2_uri,
            "universe_domain": "googleapis.com",
        }

    def authorized_user(self, scopes: Iterable[str] = LOGIN_SCOPES) -> dict[str, Any]:
        """Return gcloud's file of application-default credentials for a logged-in user, with `token_uri`.

        Google's library reads no `token_uri` from such a file: `google.oauth2.credentials.Credentials` takes it.
        """
        refresh_token, user = self._call(lambda: self._accounts.log_in(frozenset(scopes)))
        return {
            "type": "authorized_user",
            "client_id": user.client_id,
            "client_secret": user.client_secret,
            "refresh_token": refresh_token,
            "token_uri": self._oauth2_uri,
        }

    def access_token(self, scopes: Iterable[str] = DATABASE_SCOPES) -> dict[str, Any]:
        """Return an OAuth2 access token with these scopes: access_token and expires_at, as in token.json."""
        text, access = self._call(lambda: self._accounts.grant(frozenset(scopes), time.time()))
        return {"access_token": text, "expires_at": int(access.expires)}

    def set_rules(self, rules: dict[str, Any] | str | None, namespace: str = rest.DEFAULT_NAMESPACE) -> None:
        """Set security rules, `{"rules": {...}}` as an object or as text; None allows everything.

        Streams that may no longer read are cancelled. Raises: ValueError that names the place and the mistake.
        """
        parsed = _parse_rules(rules)
        self._call(lambda: self._set_rules(parsed, namespace))

    def get(self, path: str = "", namespace: str = rest.DEFAULT_NAMESPACE, export: bool = False) -> Any:
        """Return the JSON value at `path`, with its priorities if `export`. Raises: ValueError for an invalid path."""
        keys = tree.split_path(path)
        return self._call(lambda: tree.to_json(database(self._state, namespace).get(keys), export))

    def set(self, path: str, value: Any, namespace: str = rest.DEFAULT_NAMESPACE) -> None:
        """Write `value` at `path` as a backend would, and send it to streams. Raises: ValueError."""
        self._call(lambda: self._set(tree.split_path(path), value, namespace))

    def update(self, path: str, value: dict[str, Any], namespace: str = rest.DEFAULT_NAMESPACE) -> None:
        """Write the children in `value`, whose keys may be paths, and send a patch to streams. Raises: ValueError."""
        self._call(lambda: self._update(tree.split_path(path), value, namespace))

    def push(self, path: str, value: Any, namespace: str = rest.DEFAULT_NAMESPACE) -> str:
        """Write `value` under a new key at `path`; return the key. Raises: ValueError."""
        key = self._call(lambda: database(self._state, namespace).push_id(_now_ms()))
        self.set(f"{path}/{key}", value, namespace)
        return key

    def fault(self, name: str, **arguments: Any) -> None:
        """Add a fault: `fault("drop_after", method="PUT", path="/devices", count=1)`; see `faults` for all of them.

        Raises: ValueError or TypeError that says what is wrong.
        """
        self._call(lambda: control.add_fault(self._state, {"name": name, **arguments}))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call(self._state.faults.clear)

    @property
    def faults(self) -> list[Fault]:
        """The faults that have not been used up."""
        return self._call(lambda: list(self._state.faults))

    @property
    def requests(self) -> list[Record]:
        """The requests so far, the last 100,000 of them."""
        return self._call(lambda: list(self._state.records))

    @property
    def connections(self) -> int:
        """The number of connections accepted so far."""
        return self._state.accepted

    @property
    def open_connections(self) -> int:
        """The number of connections that are open now."""
        return self._call(lambda: len(self._state.connections))

    @property
    def open_streams(self) -> int:
        """The number of streams that are open now."""
        return self._call(lambda: len(self._state.streams))

    def cancel_streams(self, reason: str | None = event_bytes.PERMISSION_CANCELLED) -> int:
        """Send `cancel` with this reason to all streams and end them; return how many."""
        return self._call(lambda: end_streams(self._state, event_bytes.cancel_bytes(reason)))

    def revoke_streams(self) -> int:
        """Send `auth_revoked` to all streams and end them; return how many."""
        return self._call(lambda: end_streams(self._state, event_bytes.AUTH_REVOKED))

    def wait_until_listening(self, seconds: float) -> None:
        """Wait until connections are accepted again, after a fault of the listening sockets.

        Raises: TimeoutError if they are not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection((self._options.host, self.port), seconds).close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the simulator did not listen again within {seconds} s") from None
            time.sleep(0.01)

    def reset_connections(self) -> int:
        """End all connections by RST; return how many."""
        return self._call(lambda: running.reset_all(self._state))

    def close_streams(self) -> int:
        """End all streams without a last event; return how many."""
        return self._call(lambda: end_streams(self._state))

    @property
    def _accounts(self) -> Accounts:
        return self._state.accounts

    @property
    def _oauth2_uri(self) -> str:
        return f"{self.url}/{identity.OAUTH2}{oauth2.PATH}"

    def _set_rules(self, rules: Rules | None, namespace: str) -> None:
        database(self._state, namespace).rules = rules
        end_forbidden_streams(self._state, namespace)
        self._state.on_change()

    def _set(self, path: tree.Path, value: Any, namespace: str) -> None:
        target = database(self._state, namespace)
        target.put_all(path, {(): tree.parse_value(value, path, target.get(path), _now_ms())})
        publish(self._state, namespace, Change("put", path))

    def _update(self, path: tree.Path, value: dict[str, Any], namespace: str) -> None:
        target = database(self._state, namespace)
        nodes = tree.parse_update(value, path, target.root, _now_ms())
        target.put_all(path, nodes)
        publish(self._state, namespace, Change("patch", path, tuple(nodes)))

    def _run(self, ready: concurrent.futures.Future[running.Running]) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            await running.run(self._state, self._options, ready)

        try:
            asyncio.run(main())
        except Exception as error:
            self._failure = error

    def _call(self, function: Callable[[], T]) -> T:
        """Call `function` in the thread of the event loop, so that no structure is used by two threads."""
        self._require_running()
        assert self._loop is not None
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def call() -> None:
            try:
                done.set_result(function())
            except Exception as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return done.result(_DEADLINE_SECONDS)

    def _require_running(self) -> running.Running:
        if self._running is None:
            raise RuntimeError("the simulator is not running: use it in a with block, or call start()")
        return self._running


def _parse_rules(rules: dict[str, Any] | str | None) -> Rules | None:
    if rules is None:
        return None
    return parse_rules(rules if isinstance(rules, str) else json.dumps(rules, indent=2))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

"""Plays the cloud for `flamelet run`: watches devices/<id>, and sends commands to the device.

In: the database's URL. Out: lines to show, commands, and the number of stored readings. It calls the REST API through
aiohttp, not through flamelet, so that its counts are independent of the library; it also works with a real database.
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import certifi

ANSWER_SECONDS = 10
SILENCE_SECONDS = 60  # the service sends a keep-alive every 30 s
LINE_BYTES = 16 << 20  # the first event carries the whole value on one line


class CloudError(Exception):
    """The database gave no answer, or an error; the text is the reason, without credentials."""


class Cloud:
    """One device's place in a database. `async with` opens and closes the connections.

    Arguments: the database's URL; the device's name; a function that returns the text of the token, or None.
    """

    def __init__(self, url: str, device: str, read_token: Callable[[], str | None]):
        self.url = f"{url.rstrip('/')}/devices/{device}"
        self.read_token = read_token

    @property
    def parameters(self) -> dict[str, str]:
        """Return the URL parameters that every request carries."""
        token = self.read_token()
        # Google's OAuth2 access tokens begin with this; all others are Firebase's ID tokens.
        name = "access_token" if token and token.startswith("ya29.") else "auth"
        return {name: token} if token else {}

    async def __aenter__(self) -> "Cloud":
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=certifi.where())),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            read_bufsize=LINE_BYTES,
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.session.close()

    async def count_readings(self) -> int:
        """Return how many readings are stored."""
        return len(await self.request("GET", "telemetry", shallow="true") or ())

    async def send_command(self, command: dict) -> str:
        """Store a command for the device.

        Returns: its key.
        """
        return (await self.request("POST", "commands", command))["name"]

    async def request(self, method: str, child: str, body: object = None, **parameters: str) -> Any:
        """Make one request.

        Returns: the answer's JSON value.
        Raises: CloudError.
        """
        try:
            async with self.session.request(
                method,
                f"{self.url}/{child}.json",
                params=self.parameters | parameters,
                data=None if body is None else json.dumps(body),
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise CloudError(describe(error)) from None
        if response.status != 200:
            raise CloudError(f"{response.status}: {' '.join(text.split())[:200]}")
        try:
            return json.loads(text)
        except ValueError:
            raise CloudError("the answer is not JSON, so this is not a Realtime Database") from None

    async def watch(self, ready: Callable[[], None], changed: Callable[[str, Any], None]) -> None:
        """Call `ready` when the stream is open, and then `changed` with the path and value of each change, until it
        ends.

        Raises: CloudError.
        """
        timeout = aiohttp.ClientTimeout(sock_connect=ANSWER_SECONDS, sock_read=SILENCE_SECONDS)
        headers = {"Accept": "text/event-stream"}
        try:
            async with self.session.get(
                f"{self.url}.json", params=self.parameters, headers=headers, timeout=timeout
            ) as response:
                if response.status != 200:
                    raise CloudError(f"{response.status}: {' '.join((await response.text()).split())[:200]}")
                event = ""
                async for line in response.content:
                    field, _, value = line.decode().rstrip("\r\n").partition(": ")
                    if field == "event":
                        event = value
                    elif field == "data":
                        for path, data in changes(event, value):
                            changed(path, data)
                        ready()
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise CloudError(describe(error)) from None
        raise CloudError("the stream ended")


def changes(event: str, value: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each change in an event. The snapshot of the root, which begins a stream, is not a
    change.
    """
    if event not in ("put", "patch"):
        return
    path, data = (parsed := json.loads(value))["path"].strip("/"), parsed["data"]
    if event == "patch":
        yield from ((f"{path}/{key}".strip("/"), child) for key, child in data.items())
    elif path:
        yield path, data


def describe(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error}: check the URL, the server and the network"
    return str(error) or f"no answer within {ANSWER_SECONDS} s"

"""Defines an HTTP request as the services of the simulator see it, and reads the JSON of its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from flamelet_tools.simulator.accounts.credentials import ANYBODY, Identity

METHOD_OVERRIDE = "x-http-method-override"


@dataclass
class Request:
    """A request as the services see it; `target` is the path and query as received.

    A POST with a method override has that method.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    identity: Identity = ANYBODY
    path_text: str = field(init=False)
    pairs: list[tuple[str, str]] = field(init=False)
    query: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.path_text, _, text = self.target.partition("?")
        self.pairs = parse_qsl(text, keep_blank_values=True)
        self.query = dict(self.pairs)
        override = self.headers.get(METHOD_OVERRIDE) or self.query.get(METHOD_OVERRIDE)
        if self.method == "POST" and override:
            self.method = override.upper()

    @property
    def is_stream(self) -> bool:
        return self.method == "GET" and "text/event-stream" in self.headers.get("Accept", "")


def refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities in JSON.

    Raises: ValueError, always.
    """
    # Python's parser takes NaN and Infinity, which JSON does not have.
    raise ValueError(name)

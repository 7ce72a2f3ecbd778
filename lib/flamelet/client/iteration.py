"""Iterates over the results of flows with `for` and `async for`, and closes them after `with` or `async with`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .client import Client


class Closing:
    """Can be used in a `with` or `async with` block, which closes it."""

    close: "Callable[[], None]"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


class Iteration(Closing):
    """Can be iterated over with `for` or, with an awaited client, `async for`.

    A subclass has `_client`, and `next_item`, a flow that returns the next item, or None at the end.
    """

    _client: "Client"
    next_item: "Callable[[], Generator]"

    def __iter__(self):
        return self

    def __next__(self):
        found = self._client.run(self.next_item())
        if found is None:
            raise StopIteration
        return found

    def __aiter__(self):
        return self

    async def __anext__(self):
        found = await self._client.run(self.next_item())
        if found is None:
            raise StopAsyncIteration
        return found

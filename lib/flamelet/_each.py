"""One after another: what `for` and `async for` ask of an object whose next item is what a flow returns."""


from ._client import Client


class Each:
    """A subclass has `_client`, whose pump runs the flow, and the flow `_next`."""

    _client: Client

    def _next(self):
        """Flow: the next item; None at the end."""
        raise NotImplementedError

    def __iter__(self):
        return self

    def __next__(self):
        found = self._client._run(self._next())
        if found is None:
            raise StopIteration
        return found

    def __aiter__(self):
        return self

    async def __anext__(self):
        found = await self._client._run(self._next())
        if found is None:
            raise StopAsyncIteration
        return found

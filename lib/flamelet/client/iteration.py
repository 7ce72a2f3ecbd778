"""TODO: says what is here."""



class Closing:
    """What a `with` or `async with` block closes at its end."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()

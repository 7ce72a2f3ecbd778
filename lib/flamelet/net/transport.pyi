class Timeouts:
    connect: int
    handshake: int
    first_byte: int
    answer: int
    def __init__(
        self, connect: int = 10000, handshake: int = 15000, first_byte: int = 15000, answer: int = 60000
    ) -> None: ...

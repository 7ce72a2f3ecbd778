from typing import Any

class Token:
    kind: str
    unsaved: OSError | None
    def __init__(self, token: str | dict[str, Any]) -> None: ...
    @staticmethod
    def load(file: str) -> Token: ...
    @property
    def text(self) -> str: ...

from typing import Literal

from .ram import RamOutbox

def Outbox(
    folder: str = "",
    rtc: object = None,
    memory: int = 2048,
    size: int = 65536,
    group: int = 8,
    seconds: float = 60,
    drop: Literal["oldest", "newest"] = "oldest",
) -> RamOutbox: ...

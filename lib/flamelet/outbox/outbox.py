"""Makes an outbox, which keeps records until the server has answered for them.

In: readings from `feed.record`, writes from `feed.record_set`. Out: batches for `feed.flush`, in order.
Every reading gets its key when it is taken, so sending it is idempotent.

Records wait in RAM (ram.py), in files on flash (flash.py), or in the memory of ESP32's RTC (rtc.py). A record is:
length of the payload (2 bytes), kind (1), payload, and a CRC (4), which is filled in when it is stored. The payload of
a reading is its key (20) and its JSON.

Memory: one buffer of `memory` bytes, permanently. In RAM a record costs nothing on the heap, until the oldest are
dropped. A copy is sent: meanwhile more may be recorded, dropped or written to flash.
"""

from .. import InvalidArgument
from .ram import RamOutbox


def Outbox(
    folder: str = "", rtc=None, memory: int = 2048, size: int = 65536, group: int = 8, seconds: int = 60, drop="oldest"
):
    """Make an outbox, for `Database.feed(path, fields, outbox=outbox)`; one for each feed.

    Arguments:
    - `folder`: the folder on flash for records; "": only RAM, where a restart loses them.
    - `rtc`: `machine.RTC()` of an ESP32, whose memory of 2,048 bytes survives deep sleep, but not a power cut.
    - `memory`: bytes of RAM for records that are not on flash yet; a request of `flush` is about as large.
    - `size`: bytes that it may use on flash.
    - `group`, `seconds`: write when there are so many readings, or one is so old; flash wears with each write.
    - `drop`: which readings are dropped if it is full, the "oldest" or the "newest".

    Raises InvalidArgument if an argument is not valid, OSError if the folder cannot be made.
    """
    if drop not in ("oldest", "newest"):
        raise InvalidArgument('drop is "oldest" or "newest", not %r' % (drop,))
    for number in (memory, size, group):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InvalidArgument("memory, size and group are whole numbers above 0, not %r" % (number,))
    if not 256 <= memory <= 65535:
        raise InvalidArgument("memory is 256 to 65535 bytes, not %d" % memory)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= 86400:
        raise InvalidArgument("seconds is 0 to 86400, not %r" % (seconds,))
    if not isinstance(folder, str):
        raise InvalidArgument("folder is a str, not %r; write rtc=machine.RTC() for RTC memory" % (folder,))
    if rtc:
        from . import rtc as _rtc_outbox

        return _rtc_outbox.RtcOutbox(rtc, drop)
    if folder:
        from . import flash as _flash_outbox

        return _flash_outbox.FlashOutbox(folder, memory, size, group, seconds, drop)
    return RamOutbox(memory, drop)

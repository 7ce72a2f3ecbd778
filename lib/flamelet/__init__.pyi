"""Names what a program uses: each is imported at its first use (see `_PLACES` there, and _exports.py)."""

from . import aio as aio
from . import device as device
from . import errors as errors
from .auth.token import Token as Token
from .client.budget import Budget as Budget
from .core.backoff import Backoff as Backoff
from .core.server_values import DELETE as DELETE
from .core.server_values import TIMESTAMP as TIMESTAMP
from .core.server_values import array_remove as array_remove
from .core.server_values import array_union as array_union
from .core.server_values import increment as increment
from .core.server_values import maximum as maximum
from .core.server_values import minimum as minimum
from .firestore.filters import and_ as and_
from .firestore.filters import or_ as or_
from .firestore.firestore import Firestore as Firestore
from .firestore.timestamp import Timestamp as Timestamp
from .firestore.value_types import GeoPoint as GeoPoint
from .firestore.value_types import Reference as Reference
from .firestore.value_types import Vector as Vector
from .gateway.gateway import Gateway as Gateway
from .net.transport import Timeouts as Timeouts
from .outbox.outbox import Outbox as Outbox
from .rtdb.database import Database as Database

__version__: str

class FlameletError(Exception):
    retry: bool
    status: int
    text: str

class InvalidArgument(FlameletError): ...
class NetworkError(FlameletError): ...
class Timeout(NetworkError): ...
class ProtocolError(FlameletError): ...

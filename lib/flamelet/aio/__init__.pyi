from .database import Database as Database
from .feed import Feed as Feed
from .firestore import Firestore as Firestore
from .gateway import Gateway as Gateway
from .stream import Stream as Stream

from .database import Database as Database
from .database import Stream as Stream
from .feed import Feed as Feed
from .firestore import Firestore as Firestore
from .gateway import Gateway as Gateway

"""Names the codes of failures, for error texts and for tests.

In wire/http1.py and net/connection.py they are constants without a name at run time: seventeen names took
a kilobyte of every program's memory. Loaded with the first failure.
"""

# Of a connection.
CLOSED = -2  # the server closed the connection before it answered
BROKEN = -3  # the socket failed: see `error`
LATE = -4  # a deadline passed
TOO_LARGE = -5
# Of an answer.
NOT_HTTP = -10
TOO_LONG = -11
BAD_HEADER = -12
BAD_LENGTH = -13
BAD_CODING = -14
BAD_CHUNK = -15
TRUNCATED = -16

"""Maps a refusal to an error: one table from the status and the server's words to our error, its code and what to do.

The first row that matches counts. Google's services other than the Realtime Database send a canonical code, which is
put before their words here. (Sources: "Error Conditions" of the Realtime Database's REST API; if that gives no
words, they are from the live service. "Error Codes" of "Using the Firestore REST API". The first rows are for the
service that renews tokens.) Loaded with the first refusal.

When to repeat the request, in one word:
- "never": not before the problem is fixed.
- "backoff": later; firestore/rest.py does, with exponential back-off and full jitter, until a deadline.
- "once": once.
- "transaction": repeat the whole transaction; outside of one as "backoff".
- "quota": after the longest wait.
"""

from ..errors import (
    Aborted,
    AlreadyExists,
    BadRequest,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

NEVER = "never"
BACKOFF = "backoff"
ONCE = "once"
TRANSACTION = "transaction"
QUOTA = "quota"
_MINT_FOR_DATABASE = "mint a new token, with the scopes firebase.database and userinfo.email"
_MINT_FOR_FIRESTORE = "mint a new token, with the scope https://www.googleapis.com/auth/datastore"
_MINT = "mint a new token; is it an ID token of this project?"
_API_KEY = "is the token's api_key from this project?"
_RULES = "the rules do not allow this to this token"
_LATER = "the server failed: repeat it later"
# Status, a part of the server's words, error, code, action, advice.
TABLE: tuple = (
    (400, "TOKEN_EXPIRED", Unauthenticated, "TOKEN_EXPIRED", NEVER, "the refresh token was revoked: mint a new token"),
    (400, "USER_DISABLED", Unauthenticated, "USER_DISABLED", NEVER, "enable the account in the Firebase console"),
    (400, "USER_NOT_FOUND", Unauthenticated, "USER_NOT_FOUND", NEVER, "the account was deleted: mint a new token"),
    (400, "REFRESH_TOKEN", Unauthenticated, "INVALID_REFRESH_TOKEN", NEVER, "mint a new token"),
    (400, "API key", Unauthenticated, "API_KEY_INVALID", NEVER, _API_KEY),
    (403, "API key", Unauthenticated, "API_KEY_INVALID", NEVER, _API_KEY),
    (400, "requires an index", PreconditionFailed, "INDEX_MISSING", NEVER, "its link creates the index"),
    (400, "FAILED_PRECONDITION", PreconditionFailed, "FAILED_PRECONDITION", NEVER, "read it, then write again"),
    (400, "INVALID_ARGUMENT", BadRequest, "INVALID_ARGUMENT", NEVER, "fix what it names"),
    (401, "UNAUTHENTICATED", Unauthenticated, "TOKEN_EXPIRED", NEVER, _MINT_FOR_FIRESTORE),
    (403, "authentication scopes", PermissionDenied, "SCOPE_MISSING", NEVER, _MINT_FOR_FIRESTORE),
    (404, "NOT_FOUND: ", NotFound, "NOT_FOUND", NEVER, "there is no such document, database or project"),
    (409, "ALREADY_EXISTS", AlreadyExists, "ALREADY_EXISTS", NEVER, "use another id, or set()"),
    (409, "ABORTED", Aborted, "ABORTED", TRANSACTION, "others write the same documents: repeat it later"),
    (429, "Quota", ResourceExhausted, "QUOTA_EXCEEDED", QUOTA, "the quota is used up: see the project's usage"),
    (500, "INTERNAL", Unavailable, "INTERNAL", ONCE, _LATER),
    (500, "UNKNOWN: ", Unavailable, "UNKNOWN", ONCE, _LATER),
    (501, "UNIMPLEMENTED", BadRequest, "UNIMPLEMENTED", NEVER, "this server does not have that method"),
    (504, "", Unavailable, "DEADLINE_EXCEEDED", BACKOFF, "the server took too long: ask for less, or later"),
    (400, "WRITE_TOO_BIG", BadRequest, "WRITE_TOO_BIG", NEVER, "write it in parts, or raise write_size_limit"),
    (400, "Data requested exceeds", BadRequest, "READ_TOO_BIG", NEVER, "ask for less: a deeper path, a limit, shallow"),
    (400, "No data supplied", BadRequest, "NO_DATA", NEVER, "the body was lost on its way: is a proxy in between?"),
    (400, "server value", BadRequest, "UNKNOWN_SERVER_VALUE", NEVER, "use flamelet.TIMESTAMP or flamelet.increment(n)"),
    (400, "nested deeper", BadRequest, "TOO_DEEP", NEVER, "path and value together have at most 32 levels"),
    (400, "too long", BadRequest, "PATH_TOO_LONG", NEVER, "a key has at most 768 bytes, a path 32 keys"),
    (400, "Invalid path", BadRequest, "INVALID_PATH", NEVER, "a key has no . # $ [ ] / and no control character"),
    (400, "Invalid data", BadRequest, "INVALID_DATA", NEVER, "the value holds what the service does not allow"),
    (400, "Index not defined", BadRequest, "INDEX_NOT_DEFINED", NEVER, "add the .indexOn that it names to the rules"),
    (400, "Mixing 'shallow'", BadRequest, "SHALLOW_MIXED", NEVER, "ask for shallow alone"),
    (400, "parameter", BadRequest, "INVALID_PARAMETER", NEVER, "leave that parameter out, or fix it"),
    (400, "orderBy", BadRequest, "INVALID_PARAMETER", NEVER, "fix the query"),
    (400, "must be", BadRequest, "INVALID_PARAMETER", NEVER, "fix that parameter"),
    (400, "timeout", BadRequest, "TIMED_OUT", NEVER, "ask for less, or give the server more time"),
    (401, "Permission denied", PermissionDenied, "PERMISSION_DENIED", NEVER, _RULES),
    (401, "expired", Unauthenticated, "TOKEN_EXPIRED", NEVER, "mint a new token"),
    (401, "Unauthorized request", Unauthenticated, "ACCESS_TOKEN_REFUSED", NEVER, _MINT_FOR_DATABASE),
    (401, "auth token", Unauthenticated, "INVALID_TOKEN", NEVER, _MINT),
    (401, "auth header", Unauthenticated, "INVALID_TOKEN", NEVER, _MINT),
    (401, "", Unauthenticated, "UNAUTHENTICATED", NEVER, "is it the right token?"),
    (403, "", PermissionDenied, "PERMISSION_DENIED", NEVER, _RULES),
    (404, "", NotFound, "NOT_FOUND", NEVER, "is the URL right, and its region?"),
    (412, "", PreconditionFailed, "ETAG_MISMATCH", NEVER, "someone else changed it: see `value`, with its `etag`"),
    (429, "", ResourceExhausted, "TOO_MANY_REQUESTS", BACKOFF, "wait before the next request"),
    (511, "", Unavailable, "NETWORK_INTERCEPTS", NEVER, "log in to the network first"),
    (503, "", Unavailable, "UNAVAILABLE", BACKOFF, "it was not attempted: repeat it later"),
    (500, "", Unavailable, "SERVER_ERROR", BACKOFF, _LATER),
    (400, "", BadRequest, "BAD_REQUEST", NEVER, "change the request"),
)


def cause(status: int, text: str) -> tuple:
    """Return (error class, code, action, advice) for an answer with this status, 300 or above, and these words."""
    for row in TABLE:
        if row[0] == status and row[1] in text:
            return row[2:]
    # A status without a row counts as the general one of its kind.
    return cause(500 if status >= 500 else 400, "")

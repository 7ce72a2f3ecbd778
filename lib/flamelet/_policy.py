"""What a refusal means: one table from the status and the server's words to our error, its code and what to do.

The first row that fits decides. (Sources: "Error Conditions" of the Realtime Database's REST API; where that gives no
words, they are those of the live service. The first rows are of the service that renews tokens.) Whether a repeat may
help is said by the class of the error. Loaded with the first refusal.
"""

from .errors import (
    BadRequest,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

_MINT_WITH_SCOPES = "mint a new token, with the scopes firebase.database and userinfo.email"

# Status, what its words hold, error, code, advice.
TABLE: tuple = (
    (400, "TOKEN_EXPIRED", Unauthenticated, "TOKEN_EXPIRED", "the refresh token was revoked: mint a new token"),
    (400, "USER_DISABLED", Unauthenticated, "USER_DISABLED", "enable the account in the Firebase console"),
    (400, "USER_NOT_FOUND", Unauthenticated, "USER_NOT_FOUND", "the account was deleted: mint a new token"),
    (400, "REFRESH_TOKEN", Unauthenticated, "INVALID_REFRESH_TOKEN", "mint a new token"),
    (400, "API key", Unauthenticated, "API_KEY_INVALID", "is the token's api_key that of this project?"),
    (403, "API key", Unauthenticated, "API_KEY_INVALID", "is the token's api_key that of this project?"),
    (400, "WRITE_TOO_BIG", BadRequest, "WRITE_TOO_BIG", "write it in parts, or allow more by write_size_limit"),
    (400, "Data requested exceeds", BadRequest, "READ_TOO_BIG", "ask for less: a deeper path, a limit, shallow=True"),
    (400, "No data supplied", BadRequest, "NO_DATA", "the body was lost on its way: is a proxy in between?"),
    (400, "server value", BadRequest, "UNKNOWN_SERVER_VALUE", "use flamelet.TIMESTAMP or flamelet.increment(n)"),
    (400, "too long", BadRequest, "PATH_TOO_LONG", "a key has at most 768 bytes, a path 32 keys"),
    (400, "Invalid path", BadRequest, "INVALID_PATH", "a key has no . # $ [ ] / and no control character"),
    (400, "Invalid data", BadRequest, "INVALID_DATA", "the value has something that the service does not take"),
    (400, "Index not defined", BadRequest, "INDEX_NOT_DEFINED", "add the .indexOn that it names to the rules"),
    (400, "Mixing 'shallow'", BadRequest, "SHALLOW_MIXED", "ask for shallow alone"),
    (400, "parameter", BadRequest, "INVALID_PARAMETER", "leave that parameter out, or mend it"),
    (400, "orderBy", BadRequest, "INVALID_PARAMETER", "mend the query"),
    (400, "must be", BadRequest, "INVALID_PARAMETER", "mend that parameter"),
    (400, "timeout", BadRequest, "TIMED_OUT", "ask for less, or give the server more time"),
    (401, "Permission denied", PermissionDenied, "PERMISSION_DENIED", "the rules refuse this to this token"),
    (401, "expired", Unauthenticated, "TOKEN_EXPIRED", "mint a new token"),
    (401, "Unauthorized request", Unauthenticated, "ACCESS_TOKEN_REFUSED", _MINT_WITH_SCOPES),
    (401, "auth token", Unauthenticated, "INVALID_TOKEN", "mint a new token; is it an ID token of this project?"),
    (401, "auth header", Unauthenticated, "INVALID_TOKEN", "mint a new token; is it an ID token of this project?"),
    (401, "", Unauthenticated, "UNAUTHENTICATED", "is it the right token?"),
    (403, "", PermissionDenied, "PERMISSION_DENIED", "the rules refuse this to this token"),
    (404, "", NotFound, "NOT_FOUND", "is the URL right, and its region?"),
    (412, "", PreconditionFailed, "ETAG_MISMATCH", "someone else changed the value: it is in `value`, with its `etag`"),
    (429, "", ResourceExhausted, "TOO_MANY_REQUESTS", "wait before the next request"),
    (511, "", Unavailable, "NETWORK_INTERCEPTS", "the network wants a login first"),
    (503, "", Unavailable, "UNAVAILABLE", "it was not attempted: repeat it later"),
    (500, "", Unavailable, "SERVER_ERROR", "the trouble is the server's: repeat it later"),
    (400, "", BadRequest, "BAD_REQUEST", "change the request"),
)


def cause(status: int, text: str) -> tuple:
    """(error, code, advice) for an answer with this status, 300 or above, and these words."""
    for row in TABLE:
        if row[0] == status and row[1] in text:
            return row[2:]
    # A status that has no row is as the nearest one below that stands for its kind.
    return cause(500 if status >= 500 else 400, "")

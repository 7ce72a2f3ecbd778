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

from .. import errors

# A row is status|a part of the server's words|error|code, if it is not these words|when to repeat|advice.
# One str: a tuple for each row takes several times the memory, in the moment of the first refusal.
TABLE = """
400|TOKEN_EXPIRED|Unauthenticated||never|the refresh token was revoked: mint a new token
400|USER_DISABLED|Unauthenticated||never|enable the account in the Firebase console
400|USER_NOT_FOUND|Unauthenticated||never|the account was deleted: mint a new token
400|REFRESH_TOKEN|Unauthenticated|INVALID_REFRESH_TOKEN|never|mint a new token
400|API key|Unauthenticated|API_KEY_INVALID|never|is the token's api_key from this project?
403|API key|Unauthenticated|API_KEY_INVALID|never|is the token's api_key from this project?
400|requires an index|PreconditionFailed|INDEX_MISSING|never|its link creates the index
400|FAILED_PRECONDITION|PreconditionFailed||never|read it, then write again
400|INVALID_ARGUMENT|BadRequest||never|fix what it names
401|UNAUTHENTICATED|Unauthenticated|TOKEN_EXPIRED|never|mint a new token, with the scope https://www.googleapis.com/auth/datastore
403|authentication scopes|PermissionDenied|SCOPE_MISSING|never|mint a new token, with the scope https://www.googleapis.com/auth/datastore
404|NOT_FOUND: |NotFound|NOT_FOUND|never|there is no such document, database or project
409|ALREADY_EXISTS|AlreadyExists||never|use another id, or set()
409|ABORTED|Aborted||transaction|others write the same documents: repeat it later
429|Quota|ResourceExhausted|QUOTA_EXCEEDED|quota|the quota is used up: see the project's usage
500|INTERNAL|Unavailable||once|the server failed: repeat it later
500|UNKNOWN: |Unavailable|UNKNOWN|once|the server failed: repeat it later
501|UNIMPLEMENTED|BadRequest||never|this server does not have that method
504||Unavailable|DEADLINE_EXCEEDED|backoff|the server took too long: ask for less, or later
400|WRITE_TOO_BIG|BadRequest||never|write it in parts, or raise write_size_limit
400|Data requested exceeds|BadRequest|READ_TOO_BIG|never|ask for less: a deeper path, a limit, shallow
400|No data supplied|BadRequest|NO_DATA|never|the body was lost on its way: is a proxy in between?
400|server value|BadRequest|UNKNOWN_SERVER_VALUE|never|use flamelet.TIMESTAMP or flamelet.increment(n)
400|nested deeper|BadRequest|TOO_DEEP|never|path and value together have at most 32 levels
400|too long|BadRequest|PATH_TOO_LONG|never|a key has at most 768 bytes, a path 32 keys
400|Invalid path|BadRequest|INVALID_PATH|never|a key has no . # $ [ ] / and no control character
400|Invalid data|BadRequest|INVALID_DATA|never|the value holds what the service does not allow
400|Index not defined|BadRequest|INDEX_NOT_DEFINED|never|add the .indexOn that it names to the rules
400|Mixing 'shallow'|BadRequest|SHALLOW_MIXED|never|ask for shallow only
400|parameter|BadRequest|INVALID_PARAMETER|never|leave that parameter out, or fix it
400|orderBy|BadRequest|INVALID_PARAMETER|never|fix the query
400|must be|BadRequest|INVALID_PARAMETER|never|fix that parameter
400|timeout|BadRequest|TIMED_OUT|never|ask for less, or give the server more time
401|Permission denied|PermissionDenied|PERMISSION_DENIED|never|the rules do not allow this to this token
401|expired|Unauthenticated|TOKEN_EXPIRED|never|mint a new token
401|Unauthorized request|Unauthenticated|ACCESS_TOKEN_REFUSED|never|mint a new token, with the scopes firebase.database and userinfo.email
401|auth token|Unauthenticated|INVALID_TOKEN|never|mint a new token; is it an ID token of this project?
401|auth header|Unauthenticated|INVALID_TOKEN|never|mint a new token; is it an ID token of this project?
401||Unauthenticated|UNAUTHENTICATED|never|is it the right token?
403||PermissionDenied|PERMISSION_DENIED|never|the rules do not allow this to this token
404||NotFound|NOT_FOUND|never|is the URL right, and its region?
412||PreconditionFailed|ETAG_MISMATCH|never|someone else changed it: see `value`, with its `etag`
429||ResourceExhausted|TOO_MANY_REQUESTS|backoff|wait before the next request
511||Unavailable|NETWORK_INTERCEPTS|never|log in to the network first
503||Unavailable|UNAVAILABLE|backoff|it was not attempted: repeat it later
500||Unavailable|SERVER_ERROR|backoff|the server failed: repeat it later
400||BadRequest|BAD_REQUEST|never|change the request
"""  # noqa: E501
_CHANGED = "someone else changed it: see `value`, with its `etag`"


def cause(status: int, text: str) -> tuple:
    """Return (error class, code, action, advice) for an answer with this status, 300 or above, and these words."""
    if status == 412:
        # Usual where devices share a value, and each would read the table.
        return errors.PreconditionFailed, "ETAG_MISMATCH", "never", _CHANGED
    start = "\n%d|" % status
    at = TABLE.find(start)
    while at >= 0:
        words_at = at + len(start)
        row_end = TABLE.find("\n", words_at)
        if TABLE[words_at : TABLE.find("|", words_at)] in text:
            words, kind, code, action, advice = TABLE[words_at:row_end].split("|")
            return getattr(errors, kind), code or words, action, advice
        at = TABLE.find(start, row_end)
    # A status without a row counts as the general one of its kind.
    return cause(500 if status >= 500 else 400, "")

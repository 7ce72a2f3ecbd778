"""Writes docs/errors.md: what each refusal of a service means, by the table of lib/flamelet/diagnosis/answers.py.

`python -m flamelet_tools.release.error_table` writes the page; a test compares it with the code.
"""

from flamelet import errors
from flamelet.diagnosis import answers
from flamelet_tools.shared.checkout import checkout

PAGE = "docs/errors.md"
TEXT = """# Errors

Every error is a `flamelet.FlameletError`. Its text names the thing and says what to do; `retry` says whether the same
call may succeed later without a change.

| error | when | `retry` |
|---|---|---|
| `InvalidArgument` | a URL, path, value or option is invalid; nothing was sent | no |
| `NetworkError` | the server was not reached, or the connection broke; a repeat is harmless | yes |
| `Timeout` | a deadline passed | yes |
| `TLSError` | the server could not be verified; nothing was sent | if it only broke, or the clock is not set |
| `OutcomeUnknown` | the answer was lost, and a repeat could do it twice: check first | no |
| `ProtocolError` | the answer violates the protocol, or is larger than allowed | no |
| `ResponseError` | the service refused the request: see below | depends on its kind |
| `TransactionAborted` | someone else was faster at each try: 25 tries, with Firestore 5 | yes |
| `StreamCancelled` | the server ended a stream for good; `text` has its message | no |

## What a refusal means
A refusal has `status`, the server's message as `text`, and a `code`. If a status has several causes, the message
decides: the first row that matches applies. The table is generated from `lib/flamelet/diagnosis/answers.py`.

The column "repeat" says whether a repeat helps. *never*: not without fixing the problem. *backoff*: later, with
exponential back-off and full jitter. *once*: one more time. *transaction*: repeat the whole transaction. *quota*: after
the longest wait. The client repeats requests to Firestore by these rules, within their deadline.

| status | the message contains | error | `code` | repeat | `retry` | what to do |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    return TEXT + "".join(map(line, answers.TABLE.strip().splitlines()))


def line(row: str) -> str:
    status, words, kind, code, action, advice = row.split("|")
    retry = "yes" if getattr(errors, kind).retry else "no"
    return f"| {status} | {words} | `{kind}` | `{code or words}` | {action} | {retry} | {advice} |\n"


if __name__ == "__main__":
    (checkout() / PAGE).write_text(page())

"""docs/errors.md: what each refusal of a service means, as lib/flamelet/diagnosis/answers.py has it.

`python -m flamelet_tools.release.error_table` writes the page; a test compares it with the code.
"""

from flamelet.diagnosis import answers
from flamelet_tools.shared.checkout import checkout

PAGE = "docs/errors.md"
TEXT = """# Errors

Every error is a `flamelet.FlameletError`. Its text names the thing and says what to do; `retry` says whether the same
call may succeed later without a change.

| error | when | `retry` |
|---|---|---|
| `InvalidArgument` | a URL, path, value or option that cannot be; nothing was sent | no |
| `NetworkError` | the server was not reached, or the connection broke; repeating is harmless | yes |
| `Timeout` | a deadline passed | yes |
| `TLSError` | the server could not be verified; nothing was sent | where it only broke, or the clock is not set |
| `OutcomeUnknown` | the answer was lost, and repeating could do it twice: look first | no |
| `ProtocolError` | the answer is not what an honest server sends, or larger than allowed | no |
| `ResponseError` | the service refused: see below | by its kind |
| `TransactionAborted` | someone else was faster each time: 25 times, of Firestore 5 | yes |
| `StreamCancelled` | the server ended a stream for good; `text` has its words | no |

## What a refusal means
A refusal has `status`, the server's own words as `text`, and a `code`. What the words hold decides where a status has
several causes; the first row that fits counts. This table is the code's own (`lib/flamelet/diagnosis/answers.py`).

`action` says what to do: *never* without fixing the problem; *backoff*: later, with exponential back-off and full
jitter; *once* more; *transaction*: the whole of it again; *quota*: after the longest wait. Requests to Firestore are
repeated so by themselves, within their deadline.

| status | the words hold | error | `code` | again? | `retry` | what to do |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    return TEXT + "".join(map(line, answers.TABLE))


def line(row: tuple) -> str:
    status, words, kind, code, action, advice = row
    retry = "yes" if kind.retry else "no"
    return f"| {status} | {words} | `{kind.__name__}` | `{code}` | {action} | {retry} | {advice} |\n"


if __name__ == "__main__":
    (checkout() / PAGE).write_text(page())

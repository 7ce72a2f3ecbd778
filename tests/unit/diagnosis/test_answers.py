"""The table of refusals: each row is found by its status and words, and the first one that matches counts."""

from flamelet import errors
from flamelet.diagnosis.answers import TABLE, cause

ROWS = [row.split("|") for row in TABLE.strip().split("\n")]


def test_each_row_is_found_by_its_status_and_its_words():
    for status, words, kind, code, action, advice in ROWS:
        found = cause(int(status), words)
        first = [row for row in ROWS if row[0] == status and row[1] in words][0]
        assert found == (getattr(errors, first[2]), first[3] or first[1], first[4], first[5])
        assert advice and action in ("never", "backoff", "once", "transaction", "quota")
        assert issubclass(getattr(errors, kind), errors.ResponseError) and (code or words)


def test_the_words_may_stand_anywhere_and_the_first_row_counts():
    kind, code, action, _ = cause(400, "FAILED_PRECONDITION: The query requires an index. You can create it here")
    assert (kind, code, action) == (errors.PreconditionFailed, "INDEX_MISSING", "never")


def test_a_status_without_a_row_is_the_general_one_of_its_kind():
    assert cause(418, "I'm a teapot")[:2] == (errors.BadRequest, "BAD_REQUEST")
    assert cause(599, "")[:3] == (errors.Unavailable, "SERVER_ERROR", "backoff")
    # 40 is the beginning of 400, and no status of the table.
    assert cause(40, "")[1] == "BAD_REQUEST"


def test_a_value_that_changed_needs_no_table():
    assert cause(412, "")[:3] == (errors.PreconditionFailed, "ETAG_MISMATCH", "never")

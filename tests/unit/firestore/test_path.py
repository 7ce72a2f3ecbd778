"""Paths of Firestore's documents, collections and fields: what is taken apart how, and what is refused why."""

from flamelet.errors import InvalidArgument
from flamelet.firestore import field_path
from flamelet.firestore import path as _document_path

from helpers import raises

WORDS32 = True


def test_a_path_is_its_segments():
    assert _document_path.document("cities/LA") == ["cities", "LA"]
    assert _document_path.document("/cities/LA/districts/d1/") == ["cities", "LA", "districts", "d1"]
    assert _document_path.collection("cities") == ["cities"]
    assert _document_path.collection("cities/LA/districts") == ["cities", "LA", "districts"]


def test_ids_may_hold_nearly_everything():
    odd = ["\xe9 a%b:c", "a+b", "...", ".a", "__x", "x__", "__", "___", "a?b#c", "\0\n\x7f", "\U0001f525", "(default)"]
    for text in odd + ["x" * 1500, "\xe9" * 750, "\U0001f525" * 375]:
        assert _document_path.document("dev/" + text) == ["dev", text]
        assert _document_path.collection(text) == [text]


def test_a_document_has_an_even_number_of_segments_and_a_collection_an_odd_one():
    for path in ("cities", "cities/LA/districts"):
        assert "even number of segments, as cities/LA" in str(raises(InvalidArgument, _document_path.document, path))
    for path in ("cities/LA", "cities/LA/districts/d1"):
        assert "odd number of segments, as cities" in str(raises(InvalidArgument, _document_path.collection, path))


def test_ids_that_cannot_be_are_refused():
    for path in ("", "/", "cities//LA", "cities/.", "cities/..", "cities/__x__", "cities/____", "__all__/LA", "./LA"):
        for check in (_document_path.document, _document_path.collection):
            assert "an id is not empty, ., .. or __x__" in str(raises(InvalidArgument, check, path))
    for text in ("x" * 1501, "\xe9" * 751, "\U0001f525" * 376):
        assert "more than 1500 bytes" in str(raises(InvalidArgument, _document_path.document, "cities/" + text))
    for path in (None, 5, b"cities/LA", ["cities", "LA"]):
        assert "a path is a str" in str(raises(InvalidArgument, _document_path.document, path))
    for path in ("cities/\ud83d", "\udd25/LA"):
        assert "half a surrogate pair" in str(raises(InvalidArgument, _document_path.document, path))


def test_a_path_over_6_kib_is_refused():
    path = "/".join(["x" * 1023] * 6)
    assert len(_document_path.document(path)) == 6
    assert "longer than 6144 bytes" in str(raises(InvalidArgument, _document_path.document, "xx" + path))
    path = "/".join(["\xe9" * 600] * 6)
    assert "longer than 6144 bytes" in str(raises(InvalidArgument, _document_path.document, path))


FIELD_PATHS = [
    ("a", ["a"]),
    ("_a1.B_2.__name__", ["_a1", "B_2", "__name__"]),
    ("a.`b.c`.d", ["a", "b.c", "d"]),
    ("`odd name`.c", ["odd name", "c"]),
    ("`1a`.`a-b`", ["1a", "a-b"]),
    ("`\xe9`.`\U0001f525`", ["\xe9", "\U0001f525"]),
    ("`\\``.`\\\\`.`a\\`b\\\\c`", ["`", "\\", "a`b\\c"]),
    ("`.`.` `.`\n`", [".", " ", "\n"]),
]


def test_the_path_of_a_field_both_ways():
    for path, names in FIELD_PATHS:
        assert field_path.split(path) == names, path
        assert field_path.join(names) == path, names


def test_backticks_and_escapes_that_are_not_needed_are_taken_too():
    assert field_path.split("`a`.`b`") == ["a", "b"]
    assert field_path.split("`\\a\\.\\\xe9`") == ["a.\xe9"]


def test_what_is_no_path_of_a_field_is_refused():
    simple = ["", ".", ".a", "a.", "a..b", "a-b", "1a", "a b", "\xe9", "a/b", "a[0]", "*", "a.*"]
    for path in simple + ["``", "a.``", "`a", "a`", "`a`b", "a`b`", "`a``b`", "`a\\`", "`\\`", "`", "a.`"]:
        error = raises(InvalidArgument, field_path.split, path)
        assert "is no path of a field" in str(error) and "backticks" in str(error), path
    for path in (None, 5, b"a", ["a"]):
        assert "the path of a field is a str" in str(raises(InvalidArgument, field_path.split, path))
    assert "half a surrogate pair" in str(raises(InvalidArgument, field_path.split, "`\ud83d`"))


def test_what_is_no_name_is_not_joined():
    for name in ("", None, 5, b"a"):
        assert "the name of a field is a str" in str(raises(InvalidArgument, field_path.join, ["a", name]))

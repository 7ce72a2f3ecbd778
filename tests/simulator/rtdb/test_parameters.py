"""The parameters that shape an answer or bound a request, the override of methods, settings and `.info`."""

import time

import pytest
import requests
from calling import call

from flamelet_tools.simulator.rtdb import parameters
from flamelet_tools.simulator.rtdb.tree import InvalidData

DEADLINE_SECONDS = 10
TOO_BIG = "Error: WRITE_TOO_BIG: Data to write exceeds the maximum size that can be modified with a single request."


def test_a_callback_wraps_the_answer(sim):
    sim.set("a", {"b": 1})
    answer = call(sim, "GET", "/a.json?callback=my.got_Data")
    assert answer.text == 'my.got_Data({"b":1});'
    assert answer.headers["Content-Type"] == "application/javascript; charset=utf-8"


@pytest.mark.parametrize("callback", ["", "a b", "alert(1)", "1a", "a%0Ab", "%3Cscript%3E"])
def test_a_callback_that_is_not_the_name_of_a_function_is_refused(sim, callback):
    assert call(sim, "GET", f"/a.json?callback={callback}").status_code == 400


def test_download_names_a_file(sim):
    answer = call(sim, "GET", "/a.json?download=my%20file%0D%0Ax%22.txt")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''my%20file%0D%0Ax%22.txt"
    assert (answer.status_code, answer.text) == (200, "null")


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("3ms", 3), ("3s", 3000), ("3min", 180_000), ("15min", 900_000), ("900000ms", 900_000)]
)
def test_a_timeout_is_a_number_with_a_unit(sim, text, milliseconds):
    assert parameters.timeout_ms({"timeout": text}) == milliseconds
    assert call(sim, "GET", f"/a.json?timeout={text}").status_code == 200


BAD_TIMEOUTS = ["", "3", "0s", "-3s", "1.5s", "16min", "900001ms", "3h", "3 s", "s", "\u0663s", "9" * 5000]


@pytest.mark.parametrize("text", BAD_TIMEOUTS)
def test_a_timeout_that_cannot_be_is_refused(sim, text):
    with pytest.raises(InvalidData, match="timeout"):
        parameters.timeout_ms({"timeout": text})
    assert requests.get(sim.url + "/a.json", params={"timeout": text}, timeout=DEADLINE_SECONDS).status_code == 400


def test_a_read_that_takes_longer_than_its_timeout_ends_with_400(sim):
    sim.fault("delay", ms=60_000)
    begun = time.monotonic()
    answer = call(sim, "GET", "/a.json?timeout=50ms")
    assert 0.05 <= time.monotonic() - begun < 30
    assert (answer.status_code, "timeout" in answer.json()["error"]) == (400, True)
    assert sim.requests[0].status == 400


def test_a_read_within_its_timeout_is_answered(sim):
    sim.fault("delay", ms=20)
    assert call(sim, "GET", "/a.json?timeout=5s").text == "null"


@pytest.mark.parametrize("parameter", ["callback=f", "download=f", "format=export", "timeout=3s", "shallow=true"])
@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_a_parameter_of_reads_is_refused_with_writes(sim, method, parameter):
    answer = call(sim, method, f"/a.json?{parameter}", {"b": 1})
    name = parameter.partition("=")[0]
    assert (answer.status_code, answer.json()["error"]) == (
        400, f"The request does not support the query parameter {name}."
    )  # fmt: skip
    assert sim.get() is None


@pytest.mark.parametrize("parameter", ["shallow=yes", "format=xml", "format=strict", "writeSizeLimit=huge"])
def test_a_parameter_with_an_unknown_value_is_refused(sim, parameter):
    method = "PUT" if parameter.startswith("write") else "GET"
    answer = call(sim, method, f"/a.json?{parameter}", 1)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(parameter.partition("=")[0] + " must be ")


def test_shallow_and_export_exclude_each_other(sim):
    answer = call(sim, "GET", "/a.json?shallow=true&format=export")
    assert answer.json() == {"error": "Mixing 'shallow' and querying parameters is not supported"}


def test_shallow_goes_with_a_credential_and_with_print(sim):
    sim.set("a", {"b": {"c": 1}})
    assert call(sim, "GET", "/a.json?shallow=true&auth=secret&print=pretty").text == '{\n  "b" : true\n}\n'


# The size of writes


def test_a_write_over_the_limit_it_names_is_refused_and_changes_nothing(sim):
    big = "x" * 1_500_000
    for method in ("PUT", "POST"):
        answer = call(sim, method, "/a.json?writeSizeLimit=tiny", big)
        assert (answer.status_code, answer.json()) == (400, {"error": TOO_BIG})
    assert call(sim, "PATCH", "/.json?writeSizeLimit=tiny", {"a": big}).json() == {"error": TOO_BIG}
    assert sim.get() is None
    assert call(sim, "PUT", "/a.json?writeSizeLimit=small&print=silent", big).status_code == 204


# The limits in thousandths, so that no test moves 256 MB.
SCALED = {"tiny": 1000, "small": 10_000, "medium": 30_000, "large": 60_000, "unlimited": 256_000}


@pytest.fixture
def scaled(monkeypatch):
    assert {name: 1000 * size for name, size in SCALED.items()} == parameters.WRITE_SIZE_LIMITS
    for name, size in SCALED.items():
        monkeypatch.setitem(parameters.WRITE_SIZE_LIMITS, name, size)


def writes_of(size):
    """Each method with a body of so many bytes; for DELETE so many are there, and nothing for the others."""
    text = "x" * (size - 2)
    return [
        ("PUT", None, text),
        ("POST", None, text),
        ("PATCH", None, {"b": text[: -len('{"b": }')]}),
        ("DELETE", "x" * size, None),
    ]


@pytest.mark.parametrize(
    # A database cannot be set to tiny.
    ("how", "name"),
    [*(("parameter", name) for name in SCALED), *(("setting", name) for name in list(SCALED)[1:])],
)
def test_each_limit_of_a_write_holds_to_the_byte_for_every_method(sim, scaled, name, how):
    query = f"?writeSizeLimit={name}" if how == "parameter" else ""
    if how == "setting":
        assert call(sim, "PUT", "/.settings/defaultWriteSizeLimit.json", name).json() == name
    for size, passes in ((SCALED[name], True), (SCALED[name] + 1, False)):
        for method, before, data in writes_of(size):
            sim.set("a", before)
            answer = call(sim, method, f"/a.json{query}", data)
            assert answer.status_code == (200 if passes else 400), (method, size)
            if not passes:
                assert answer.json() == {"error": TOO_BIG}
                assert sim.get("a") == before


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["huge", "", "TINY", "1s", "10"])
def test_a_limit_of_an_unknown_name_is_refused(sim, method, name):
    sim.set("a", 1)
    data = {"b": 1} if method != "DELETE" else None
    answer = call(sim, method, f"/a.json?writeSizeLimit={name}", data)
    words = "writeSizeLimit must be tiny or small or medium or large or unlimited."
    assert (answer.status_code, answer.json()) == (400, {"error": words})
    assert sim.get("a") == 1


def test_what_a_write_replaces_counts_too(sim):
    sim.set("a", {"b": "x" * 1_500_000})
    assert call(sim, "DELETE", "/a.json?writeSizeLimit=tiny").json() == {"error": TOO_BIG}
    assert call(sim, "PATCH", "/a.json?writeSizeLimit=tiny", {"b": None}).json() == {"error": TOO_BIG}
    assert call(sim, "PUT", "/a/c.json?writeSizeLimit=tiny", 1).status_code == 200
    assert call(sim, "DELETE", "/a.json?writeSizeLimit=unlimited").status_code == 200


def test_the_default_limit_holds_for_all_requests(sim):
    assert call(sim, "GET", "/.settings/defaultWriteSizeLimit.json").json() == "large"
    assert call(sim, "PUT", "/.settings/defaultWriteSizeLimit.json", "small").json() == "small"
    big = "x" * 9_000_000
    sim.set("a", big)
    assert call(sim, "PUT", "/a.json?print=silent", big).json() == {"error": TOO_BIG}
    assert call(sim, "PUT", "/a.json?print=silent&writeSizeLimit=medium", big).status_code == 204


def test_a_read_over_the_limit_is_refused_and_a_shallow_one_is_not(sim, monkeypatch):
    monkeypatch.setattr(parameters, "MAX_READ_BYTES", 1000)
    sim.set("a", {"b": "x" * 600, "c": "x" * 600})
    text = "Data requested exceeds the maximum size that can be accessed with a single request."
    assert call(sim, "GET", "/a.json").json() == {"error": text}
    assert call(sim, "GET", "/a/b.json").status_code == 200
    assert call(sim, "GET", "/a.json?shallow=true").json() == {"b": True, "c": True}


def test_an_event_over_the_limit_cancels_the_stream(sim, monkeypatch):
    monkeypatch.setattr("flamelet_tools.simulator.server.state.MAX_EVENT_BYTES", 1000)
    headers = {"Accept": "text/event-stream"}
    with requests.get(sim.url + "/a.json", headers=headers, stream=True, timeout=DEADLINE_SECONDS) as stream:
        sim.set("a", "x" * 900)
        sim.set("a", "x" * 1000)
        last = stream.raw.read().decode().split("\n\n")[-2]
    text = "The specified payload is too large, please request a location with less data."
    assert last == f'event: cancel\ndata: "{text}"'
    assert sim.open_streams == 0


# Settings and .info


@pytest.mark.parametrize(
    ("method", "path", "value", "status"),
    [
        ("PUT", "defaultWriteSizeLimit", "tiny", 400),
        ("PUT", "defaultWriteSizeLimit", "huge", 400),
        ("PUT", "defaultWriteSizeLimit", {"a": 1}, 400),
        ("PUT", "strictTriggerValidation", True, 200),
        ("PUT", "strictTriggerValidation", 1, 400),
        ("PUT", "strictTriggerValidation", "true", 400),
        ("PUT", "nonsense", 1, 400),
        ("GET", "nonsense", None, 400),
        ("GET", "defaultWriteSizeLimit/x", None, 400),
        ("DELETE", "strictTriggerValidation", None, 405),
        ("POST", "strictTriggerValidation", True, 405),
    ],
)
def test_settings_are_only_what_they_can_be(sim, method, path, value, status):
    answer = call(sim, method, f"/.settings/{path}.json", value)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]
        assert call(sim, "GET", "/.settings/strictTriggerValidation.json").json() is False
        assert call(sim, "GET", "/.settings/defaultWriteSizeLimit.json").json() == "large"
    assert sim.get() is None


def test_settings_belong_to_one_database(sim):
    call(sim, "PUT", "/.settings/strictTriggerValidation.json?ns=one", True)
    assert call(sim, "GET", "/.settings/strictTriggerValidation.json").json() is False
    assert call(sim, "GET", "/.settings/strictTriggerValidation.json?ns=one").json() is True


def test_info_is_read_and_not_written(sim):
    assert call(sim, "GET", "/.info/serverTimeOffset.json").json() == 0
    assert call(sim, "GET", "/.info/connected.json").json() is True
    assert call(sim, "GET", "/.info/nonsense.json").json() is None
    assert call(sim, "PUT", "/.info/connected.json", False).status_code == 400
    for path in ("/.info/connected.json", "/.settings/rules.json"):
        assert call(sim, "GET", path, headers={"Accept": "text/event-stream"}).status_code == 400


# The override of methods


@pytest.mark.parametrize("how", ["header", "parameter"])
def test_a_post_may_be_another_method(sim, how):
    def override(method, data=None):
        headers = {"X-HTTP-Method-Override": method} if how == "header" else {}
        query = "" if how == "header" else f"?x-http-method-override={method}"
        return call(sim, "POST", f"/a.json{query}", data, headers=headers)

    assert override("PUT", {"b": 1}).json() == {"b": 1}
    assert override("patch", {"c": 2}).json() == {"c": 2}
    assert override("GET").json() == {"b": 1, "c": 2}
    assert len(override("POST", 3).json()["name"]) == 20
    assert override("DELETE").text == "null"
    assert sim.get() is None
    assert override("NONSENSE", 1).status_code == 405
    assert {record.method for record in sim.requests} == {"POST"}


@pytest.mark.parametrize("word", ["DELETE", "delete", "Delete"])
@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-http-method-override", "X-Http-Method-Override"])
def test_the_word_and_the_header_may_be_in_any_case_and_the_parameter_only_in_its_own(sim, name, word):
    sim.set("a", 1)
    assert call(sim, "POST", "/a.json", headers={name: word}).text == "null"
    assert sim.get("a") is None
    sim.set("a", 1)
    answer = call(sim, "POST", f"/a.json?{name}={word}")
    if name == "x-http-method-override":
        assert (answer.text, sim.get("a")) == ("null", None)
    else:
        error = f"The request does not support the query parameter {name}."
        assert (answer.status_code, answer.json(), sim.get("a")) == (400, {"error": error}, 1)


def test_the_header_counts_where_both_are_there_and_an_empty_one_does_not(sim):
    sim.set("a", {"b": 1})
    both = {"X-HTTP-Method-Override": "PATCH"}
    assert call(sim, "POST", "/a.json?x-http-method-override=DELETE", {"c": 2}, headers=both).json() == {"c": 2}
    assert call(sim, "POST", "/a.json?x-http-method-override=GET", headers={"X-HTTP-Method-Override": ""}).json() == {
        "b": 1,
        "c": 2,
    }
    assert list(call(sim, "POST", "/log.json?x-http-method-override=", 3).json()) == ["name"]


def test_an_overridden_method_takes_what_that_method_takes_and_nothing_else(sim):
    sim.set("a", {"b": {"c": 1}})
    get = {"X-HTTP-Method-Override": "GET"}
    assert call(sim, "POST", "/a.json?shallow=true", headers=get).json() == {"b": True}
    assert call(sim, "POST", "/a.json?shallow=true&x-http-method-override=PUT", 1).status_code == 400
    tag = call(sim, "POST", "/a.json", headers={**get, "X-Firebase-ETag": "true"}).headers["ETag"]
    put = {"X-HTTP-Method-Override": "PUT"}
    assert call(sim, "POST", "/a.json", 1, headers={**put, "if-match": "stale"}).status_code == 412
    assert call(sim, "POST", "/a.json", 1, headers={**put, "if-match": tag}).status_code == 200
    patch = {"X-HTTP-Method-Override": "PATCH"}
    assert call(sim, "POST", "/a.json", {"b": 1}, headers={**patch, "X-Firebase-ETag": "true"}).status_code == 400
    assert sim.get("a") == 1


@pytest.mark.parametrize("how", ["header", "parameter"])
@pytest.mark.parametrize("word", ["GET", "PUT", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_a_post_is_overridden(sim, method, word, how):
    sim.set("a", {"b": 1})
    headers = {"X-HTTP-Method-Override": word} if how == "header" else {}
    query = "" if how == "header" else f"?x-http-method-override={word}"
    data = None if method in ("GET", "DELETE") else {"c": 2}
    assert call(sim, method, f"/a.json{query}", data, headers=headers).status_code == 200
    after = {"GET": {"b": 1}, "PUT": {"c": 2}, "PATCH": {"b": 1, "c": 2}, "DELETE": None}
    assert sim.get("a") == after[method]


def test_a_fault_is_for_the_method_that_is_meant(sim):
    sim.fault("unavailable", method="PUT")
    assert call(sim, "POST", "/a.json", 1, headers={"X-HTTP-Method-Override": "PUT"}).status_code == 503
    assert call(sim, "POST", "/a.json", 1).status_code == 200

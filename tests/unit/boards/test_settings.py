"""boards/shared/settings.py: what config.json may say, and what is said of it when it may not."""

import sys

from helpers import raises

sys.path.append((__file__.rpartition("/")[0] or ".") + "/../../../boards/shared")

import settings  # noqa: E402  the path comes first

URL = "https://example-default-rtdb.firebaseio.com"
NETWORKS = [["home", "the password"]]
SECRET = "hunter2-hunter2"


def on_desktop(**given):
    return settings.checked(dict({"url": URL}, **given), "config.json", "d1", False)


def on_board(**given):
    return settings.checked(dict({"url": URL, "networks": NETWORKS}, **given), "config.json", "esp32-1", True)


def refused(check=on_desktop, **given):
    return str(raises(ValueError, lambda: check(**given)))


def test_a_url_is_enough_on_a_desktop():
    found = on_desktop()
    assert found["url"] == URL and found["device"] == "d1" and found["hostname"] == "d1"
    assert found["interval"] == 10 and found["count"] == 0 and found["connections"] == 2
    assert found["service"] == "database" and found["mode"] == "on" and found["wakes"] == 1
    assert found["networks"] == [] and found["watchdog"] is False and found["power_save"] is False
    assert found["token"] is None and found["ca"] is None and found["readings"] is None and found["post"] is False
    assert found["outbox"] == 65536 and found["patience"] == 600 and found["country"] == ""
    assert found["ntp"] == ["pool.ntp.org", "time.google.com", "time.cloudflare.com"]
    assert sorted(found) == sorted([name for name, _, _, _ in settings.SETTINGS])


def test_a_board_has_a_watchdog_and_needs_networks():
    assert on_board()["watchdog"] is True and on_board(watchdog=False)["watchdog"] is False
    for networks in ([], None):
        assert "config.json: networks is missing" in refused(on_board, networks=networks)


def test_what_is_given_is_what_comes_out():
    given = {
        "device": "garden",
        "interval": 0.5,
        "service": "gateway",
        "token": "token.json",
        "mode": "sleep",
        "wakes": 6,
        "networks": [["home", "the password"], ["café", ""]],
        "country": "DE",
        "hostname": "garden-1",
        "ntp": [],
        "outbox": 0,
        "storage": "/data",
        "led_pin": 2,
        "post": True,
        "connections": 1,
    }
    found = on_board(**given)
    for name in given:
        assert found[name] == given[name]


def test_the_defaults_of_one_board_are_not_those_of_the_next():
    on_desktop()["ntp"].append("changed")
    assert "changed" not in on_desktop()["ntp"]


def test_an_unknown_setting_is_named_with_the_known_ones():
    text = refused(intervall=5)
    assert text.startswith("config.json: intervall is unknown; known are ca, connections, count, country, device")
    for name, _, _, _ in settings.SETTINGS:
        assert name in text


# What each setting must not be.
WRONG = (
    ("url", (None, "", 5, "example.com", "ftp://example.com", ["https://example.com"])),
    ("service", (None, "firestore", 1)),
    ("device", (None, "", "a/b", "a.b", "a#", "$a", "[a", "a]", "a\n", "\x7f", 5)),
    ("token", ("", 5, False, {})),
    ("ca", ("", 5)),
    ("mode", (None, "off", True)),
    ("interval", (None, 0, -1, 0.001, 86401, "10", True, float("nan"), float("inf"))),
    ("wakes", (0, 1.5, -1, True, "2", 1001)),
    ("count", (-1, 0.5, "1", None, True)),
    ("connections", (0, 3, None, True, "1")),
    ("readings", ("", 1)),
    ("post", (1, 0, "yes", None)),
    ("country", ("de", "DEU", "D", None, 49, "D1")),
    ("hostname", ("", "-a", "a-", "a_b", "a.b", "x" * 33, "é", 5)),
    ("power_save", (0, 1, "no", None)),
    ("ntp", ("pool.ntp.org", [""], [1], {})),
    ("outbox", (-1, 1.5, None, True, 1 << 21)),
    ("storage", ("", 5)),
    ("patience", (0, -1, None, "60", True, 90000)),
    ("watchdog", (None, 1, "on")),
    ("led_pin", (-1, "LED", True, 2.5, 65)),
)


def test_a_wrong_value_is_refused_with_the_name_of_its_setting():
    for name, values in WRONG:
        for value in values:
            text = refused(on_desktop, **{name: value})
            assert text.startswith("config.json: %s " % name), (name, value, text)
            assert "must be" in text or value is None and "is missing" in text, text
    assert sorted([name for name, _ in WRONG] + ["networks"]) == sorted([name for name, _, _, _ in settings.SETTINGS])


def test_the_limits_of_a_setting_are_within_it():
    for name, values in (
        ("interval", (0.01, 1, 86400)),
        ("wakes", (1, 1000)),
        ("count", (0, 1 << 30, 5.0)),
        ("outbox", (0, 1 << 20)),
        ("hostname", ("a", "A-1", "x" * 32)),
        ("device", ("d 1", "é", "a_b:c")),
        ("led_pin", (None, 0, 48)),
    ):
        for value in values:
            assert on_desktop(**{name: value})[name] == value


def test_networks_are_pairs_of_a_name_and_a_password():
    for network in (
        "home",
        ["home"],
        ["home", None],
        ["", "the password"],
        ["é" * 17, "the password"],
        ["home", "7 bytes"],
        ["home", "x" * 65],
        ["home", "the password", "more"],
        {"home": "the password"},
        [5, "the password"],
    ):
        text = refused(on_board, networks=[["good", "the password"], network])
        assert text.startswith("config.json: networks must be a list of [name, password]"), network
    assert "networks must be" in refused(on_board, networks="home")
    for network in (["é" * 16, "x" * 8], ["x" * 32, "f" * 64], ["open", ""]):
        assert on_board(networks=[network])["networks"] == [network]


def test_no_value_is_in_a_message():
    for name, _, _, _ in settings.SETTINGS:
        assert SECRET not in refused(on_desktop, **{name: {SECRET: SECRET}})
    assert "hunter" not in refused(on_board, networks=[["home", "hunter"]])
    assert SECRET not in refused(service=SECRET) and SECRET not in refused(mode=SECRET)


def test_what_is_no_object_is_refused():
    for given in ([], "x", 5, None, True):
        text = str(raises(ValueError, settings.checked, given, "config.json", "d1", False))
        assert "config.json must hold a JSON object" in text


def test_a_file_that_is_missing_or_broken_says_what_to_do():
    text = str(raises(ValueError, settings.read, "/nowhere/config.json", "d1", False))
    assert "/nowhere/config.json cannot be read" in text and "flamelet provision" in text and "tools/run" in text
    text = str(raises(ValueError, settings.read, __file__, "d1", False))
    assert "is not JSON" in text and "correct it" in text

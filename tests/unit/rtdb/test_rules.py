"""The security rules against a scripted server: as they are read, written and refused."""

from flamelet.errors import BadRequest, InvalidArgument

from helpers import raises
from scripted import REQUEST, Network, answer, database, get, put

HEAP = "1m"
RULES = '{"rules":{".read":true,"users":{"$id":{".write":"auth.uid == $id"}}}}'
DECODED = {"rules": {".read": True, "users": {"$id": {".write": "auth.uid == $id"}}}}


def test_rules_are_read_in_the_strict_form():
    with Network([REQUEST, answer(RULES)]) as network:
        assert database().get_rules() == DECODED
    assert network.sent == [[get("/.settings/rules.json?format=strict")]]


def test_rules_are_written_or_only_checked():
    ok = answer('{"status":"ok"}')
    with Network([REQUEST, ok, REQUEST, ok]) as network:
        db = database()
        assert db.set_rules({"rules": {".read": True}}) is None
        db.set_rules({"rules": {"$id": {".write": False}}}, dry_run=True)
    assert network.sent == [
        [
            put("/.settings/rules.json", '{"rules":{".read":true}}'),
            put("/.settings/rules.json?dryRun=true", '{"rules":{"$id":{".write":false}}}'),
        ]
    ]


def test_rules_that_are_refused_say_why():
    with Network([REQUEST, answer('{"error":"Line 1: No such method"}', "400 Bad Request")]):
        assert raises(BadRequest, database().set_rules, {"rules": {}}).text == "Line 1: No such method"
    for rules in ({}, {".read": True}, {"rules": {}, "more": 1}, '{"rules":{}}', None):
        raises(InvalidArgument, database().set_rules, rules)
    raises(InvalidArgument, database().set_rules, {"rules": {".read": object()}})

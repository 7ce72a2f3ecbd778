"""Queries against the simulator, on every Python: the rows, in the order of the service."""

import pytest
from scenarios import queries

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(60)

DINOSAURS = {
    "bruhathkayosaurus": {"height": 25, "name": "B"},
    "lambeosaurus": {"height": 2.1, "name": "L"},
    "linhenykus": {"height": 0.6, "name": "\uffee"},
    "pterodactyl": {"height": 0.6, "name": "\U0001f525"},
    "stegosaurus": {"height": "4", "name": False},
    "10": {"name": True},
    "9": {"height": {"m": 1}},
}
BY_HEIGHT = ["10", "linhenykus", "pterodactyl", "lambeosaurus", "bruhathkayosaurus", "stegosaurus", "9"]
CASES = [
    ([["order_by_child", "height"]], BY_HEIGHT),
    ([["order_by_child", "height"], ["limit_to_first", 2]], BY_HEIGHT[:2]),
    ([["order_by_child", "height"], ["limit_to_last", 2]], BY_HEIGHT[-2:]),
    ([["order_by_child", "height"], ["start_at", 0.6, "m"], ["end_at", 25]], BY_HEIGHT[2:5]),
    ([["order_by_child", "height"], ["start_after", 0.6], ["end_before", 25]], BY_HEIGHT[3:4]),
    ([["order_by_child", "height"], ["equal_to", 0.6]], BY_HEIGHT[1:3]),
    ([["order_by_child", "height"], ["equal_to", None]], BY_HEIGHT[:1]),
    ([["order_by_child", "height/m"], ["start_at", 0]], ["9"]),
    ([["order_by_child", "name"], ["start_at", "C"]], ["lambeosaurus", "pterodactyl", "linhenykus"]),
    (
        [["order_by_key"]],
        ["9", "10", "bruhathkayosaurus", "lambeosaurus", "linhenykus", "pterodactyl", "stegosaurus"],
    ),
    ([["order_by_key"], ["start_at", "10"], ["limit_to_first", 2]], ["10", "bruhathkayosaurus"]),
]


def test_the_rows_of_a_query_come_in_the_order_of_the_service(blocking_client):
    with Simulator() as sim:
        sim.set("dinosaurs", DINOSAURS)
        answers = blocking_client.run(queries.run, url=sim.url, path="dinosaurs", queries=[case for case, _ in CASES])
    for (case, expected), rows in zip(CASES, answers, strict=True):
        assert [key for key, _ in rows] == expected, case
        assert all(DINOSAURS[key] == value for key, value in rows), case

"""Everything but streams through `requests`, on every Python: MicroPython's own module, and the one of CPython.

Most of the tests are those of other files, played by clients whose requests go through the module. Those of them that
count connections, take a `ca` or listen are not among them; what a transport does there is tested below.
"""

import asyncio
import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from clients import RUNTIMES, Client, trust, wait_until
from firestore import test_documents, test_feed, test_query, test_transactions
from fixtures import open_client, runtimes
from gateway import test_gateway
from net import test_faults, test_override
from rtdb import test_database, test_lost_answers, test_queries, test_rules, test_transaction, test_walk
from scenarios import conditional, database, faults, transport
from scenarios import walk as walks

import flamelet
from flamelet import aio
from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(90)

SHARED = {
    test_transaction: (
        "test_each_cell_of_the_table_of_expected_responses",
        "test_each_condition_holds_or_fails_as_the_document_says",
        "test_server_values_become_time_sum_and_key",
    ),
    test_database: (
        "test_a_hundred_kilobytes_go_there_and_back",
        "test_a_key_of_any_characters_arrives_as_it_is",
        "test_a_token_that_is_refused_says_so_and_is_not_shown",
        "test_a_value_of_every_type_arrives_and_comes_back",
        "test_an_answer_over_the_limit_is_refused_and_the_client_goes_on",
        "test_an_update_of_many_paths_is_all_or_none",
        "test_keys_are_made_in_order_and_once",
        "test_writes_ask_for_no_answer_and_a_push_is_a_put_under_its_key",
    ),
    test_faults: (
        "test_a_reading_in_doubt_goes_again_under_its_key",
        "test_an_unknown_outcome_says_that_it_may_have_happened_and_not_to_retry",
        "test_what_does_not_heal_is_the_right_error_after_at_most_three_attempts",
    ),
    test_documents: (
        "test_a_commit_does_all_of_its_writes_or_none",
        "test_a_list_keeps_its_order_from_page_to_page",
        "test_a_request_that_the_server_never_answers_ends_at_its_deadline",
        "test_a_token_that_is_refused_is_not_shown",
        "test_a_value_of_every_type_arrives_and_comes_back",
        "test_a_write_whose_answer_is_lost",
        "test_an_id_token_that_has_ended_is_renewed_and_the_request_repeated",
        "test_each_transform_does_its_sum_on_what_is_there_and_what_is_not",
        "test_every_method_for_a_document_does_what_it_says",
        "test_many_documents_are_got_at_once_and_who_is_missing_is_told",
    ),
    test_feed: (
        "test_a_reading_that_the_rules_refuse_says_so_and_the_next_one_passes",
        "test_a_reading_whose_answer_is_lost_is_there_once",
        "test_each_reading_is_a_document_under_an_id_that_sorts_by_time",
        "test_the_server_sets_the_time_of_each_reading",
    ),
    test_query: (
        "filled",
        "test_a_query_may_be_left_early_and_requests_go_on",
        "test_a_server_in_trouble_is_asked_again",
        "test_each_kind_of_query_gives_its_documents_in_their_order",
        "test_numbers_of_a_query",
        "test_pages_by_cursors_hold_each_document_once",
        "test_what_the_server_refuses_is_told_in_its_words",
    ),
    test_transactions: (
        "test_a_transaction_is_done_again_where_another_was_faster",
        "test_a_transaction_whose_answer_is_lost_is_not_applied_twice",
        "test_what_a_transaction_reads_and_writes_happens_at_once",
    ),
    test_gateway: (
        "api",
        "test_a_repeat_after_lost_answers_stores_one_reading",
        "test_a_server_that_never_answers_meets_the_deadline",
        "test_every_method_does_what_it_says",
        "test_what_is_lost_is_repeated_where_twice_is_as_once",
        "test_what_the_sdk_and_express_refuse_is_raised",
    ),
    test_lost_answers: ("test_a_write_whose_answer_is_lost",),
    test_override: (
        "test_every_verb_goes_as_get_or_post",
        "test_readings_of_a_feed_go_as_post",
    ),
    test_queries: (
        "test_priorities_are_written_in_every_way_read_by_export_and_ordered_by",
        "test_the_rows_of_a_query_come_in_the_order_of_the_service",
    ),
    test_rules: ("test_rules_are_read_and_written_and_a_dry_run_writes_nothing",),
    test_walk: ("test_a_walk_may_be_left_early",),
}
HEAP = "2m"
TOKEN = "a.b-c_d~e+f/g="


def _share():
    for module, names in SHARED.items():
        for name in names:
            # Two files may have a test of one name.
            kept = name if name not in globals() else f"{name}_in_{module.__name__}"
            globals()[kept] = getattr(module, name)


_share()


class ClientThroughRequests(Client):
    """A client whose requests go through the module; each answer is held whole, hence the heap."""

    def __init__(self, runtime):
        super().__init__(runtime, through_requests=True)

    def play(self, scenario, heap=HEAP, **arguments):
        return super().play(scenario, HEAP, **arguments)


@pytest.fixture(params=runtimes(*RUNTIMES))
def client(request):
    yield from open_client(request, ClientThroughRequests)


@pytest.fixture(params=runtimes("cpython", "micropython"))
def blocking_client(request):
    yield from open_client(request, ClientThroughRequests)


@pytest.fixture(params=runtimes("cpython", "micropython"))
def plain_client(request):
    """A client whose scenario chooses its transport."""
    yield from open_client(request)


@pytest.fixture
def firestore(on_simulator):
    return on_simulator


def test_each_request_has_a_connection_of_its_own_and_each_is_closed(client, sim):
    seen = client.run(database.every_verb, url=sim.url, options={"token": {"database_secret": TOKEN}})
    assert seen["updated"]["on"] is False
    assert sim.connections == len(sim.requests) == 32
    # The server learns of the last close when it reads from that connection again.
    wait_until(lambda: sim.open_connections == 0)


def test_each_reading_is_stored_once(client, sim):
    keys, many = client.run(database.pushes, url=sim.url, count=50, options={})
    assert many == 3
    stored = sim.get("readings")
    assert [stored[key] for key in keys] == [{"n": n, "half": n / 2, "negative": -n} for n in range(50)]
    assert len(stored) == 53


def test_two_devices_that_add_at_once_lose_nothing(client, sim):
    plays = [client.play(conditional.increments, url=sim.url, path="n", count=20) for _ in range(2)]
    for play in plays:
        assert play.heard() == "ready"
    assert max(play.result() for play in plays) == 40


def test_what_can_heal_heals_and_nothing_is_written_twice(blocking_client):
    for fault, failing, increments in test_faults.HEALING:
        with Simulator() as sim:
            test_faults.prepare(sim, fault)
            outcomes = test_faults.play(blocking_client, sim, test_faults.PATIENT).result()
            assert test_faults.failures(outcomes) == failing, fault
            test_faults.check_stored(sim, increments)


def test_a_refused_connection_is_an_error_and_the_client_comes_back(client):
    with Simulator() as sim:
        url, port = sim.url, sim.port
    play = client.play(faults.refused, url=url, names=test_faults.OPERATIONS)
    errors = {name: outcome[1] for name, outcome in play.heard().items()}
    # That of CPython hides the number which says that nothing was sent.
    in_doubt = {} if client.on_micropython else test_faults.IN_DOUBT | test_faults.NEW_KEY
    assert errors == dict.fromkeys(test_faults.OPERATIONS, "NetworkError") | in_doubt
    with Simulator(port=port) as sim:
        sim.set("", test_faults.BEFORE)
        assert {outcome[0] for outcome in play.result().values()} == {"ok"}
        test_faults.check_stored(sim, 1)


def test_a_server_that_does_not_answer_meets_the_deadline_of_the_first_byte(client, sim):
    test_faults.prepare(sim, {"name": "black_hole"}, count=4)
    begun = time.monotonic()
    play = client.play(
        faults.every_operation, url=sim.url, ca=None, names=test_faults.OPERATIONS, timeouts=test_faults.HASTY
    )
    in_doubt = test_faults.IN_DOUBT | test_faults.NEW_KEY
    assert test_faults.failures(play.result()) == dict.fromkeys(test_faults.REPEATABLE, "Timeout") | in_doubt
    # With the default deadlines it would take longer.
    assert time.monotonic() - begun < 30


def test_a_walk_that_is_refused_or_cut_off_says_so_and_the_client_goes_on(client, sim):
    sim.set("", {"devices": test_walk.DEVICES, "end": "well"})
    sim.set_rules({"rules": {"devices": {".read": True}, "end": {".read": True}, "closed": {}}})
    sim.fault("cut", path="devices", bytes=40, count=1)
    cases = [["closed", "*"], ["devices", "*/level"], ["devices", "*/level"]]
    [refused, cut, whole] = client.run(walks.walks, url=sim.url, walks=cases)
    assert refused[0][1] == "PermissionDenied"
    assert cut[0][1] == "NetworkError"
    assert whole[0] == ["ok", test_walk.WALKS[0][1]]
    assert [after for _, after in (refused, cut, whole)] == [["ok", "well"]] * 3


@pytest.mark.parametrize("post", [False, True])
def test_each_reading_of_a_gateway_is_a_document(plain_client, api, post):
    ids, many = plain_client.run(transport.gateway, HEAP, url=f"{api.url}/api", count=10, post=post)
    assert (len(set(ids)), many) == (10, 3)
    assert len(test_gateway.stored(api)) == 13


def test_what_needs_a_stream_says_so_at_once(plain_client, sim):
    sim.set("a", 5)
    listen, mirror, after = plain_client.run(transport.streams, HEAP, url=sim.url)
    for outcome in (listen, mirror):
        assert outcome[:2] == ["error", "InvalidArgument"]
        assert "stream" in outcome[2]
    assert after == ["ok", 5]


def test_over_tls_it_is_the_module_that_verifies_or_does_not(plain_client, tmp_path):
    token = {"database_secret": TOKEN}
    with Simulator(tls=True, token=TOKEN) as sim:
        ca = trust(sim, tmp_path)["ca"]
        done = [["ok", None], ["ok", {"n": 1}], ["ok", None]]
        assert plain_client.run(transport.over_tls, HEAP, url=sim.url, token=token, ca=ca) == done
        outcomes = plain_client.run(transport.over_tls, HEAP, url=sim.url, token=token, ca=None)
        if plain_client.on_micropython:
            # It verifies nobody, and says nothing of it.
            assert outcomes == done
        else:
            assert {(outcome[1], "SSLError" in outcome[2]) for outcome in outcomes} == {("NetworkError", True)}
        assert TOKEN not in json.dumps(outcomes)


@contextlib.contextmanager
def redirecting(status, origin):
    """A server that redirects everything to `origin`; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def _redirect(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Location", origin + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_PATCH = do_DELETE = _redirect

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_does_not_carry_the_token_to_another_site(plain_client, status):
    token = {"database_secret": TOKEN}
    with Simulator() as other, redirecting(status, other.url.replace("127.0.0.1", "localhost")) as url:
        other.set("a", 1)
        reads, writes = plain_client.run(transport.redirected, HEAP, url=url, token=token)
        for outcome in reads + writes:
            assert outcome[:2] == ["error", "ProtocolError"], outcome
            assert "redirect" in outcome[2]
        assert other.requests == []


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_within_the_site_is_followed_but_never_makes_a_read_of_a_write(plain_client, status):
    token = {"database_secret": TOKEN}
    with Simulator() as other, redirecting(status, other.url) as url:
        other.set("a", 1)
        reads, writes = plain_client.run(transport.redirected, HEAP, url=url, token=token)
        assert reads == [["ok", 1], ["ok", [["a", 1]]]]
        # MicroPython's module does not say of which kind a redirect is.
        if plain_client.on_micropython or status < 304:
            assert {outcome[1] for outcome in writes} == {"ProtocolError"}
            assert other.get("a") == 1
            assert {record.method for record in other.requests} == {"GET"}
        else:
            assert writes == [["ok", None]] * 3
            assert other.get("a") is None


def test_who_speaks_http_1_0_gets_no_chunks(on_simulator):
    """As MicroPython's module does, which takes none."""
    on_simulator.put("public/a", n=1)
    origin = on_simulator.url.split("/")[2].split(":")
    for version, mark in (("1.0", b"Content-Length: "), ("1.1", b"Transfer-Encoding: chunked")):
        with socket.create_connection((origin[0], int(origin[1])), timeout=10) as sock:
            path = f"/v1/{on_simulator.name}/public/a"
            sock.sendall(f"GET {path} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert mark in answer


async def test_on_cpython_the_event_loop_goes_on_while_the_module_blocks(sim):
    released = threading.Event()

    class Waiting:
        """Blocks its thread until the event loop has gone on."""

        def request(self, *arguments, **options):
            assert released.wait(10), "the event loop stood still"
            return requests.request(*arguments, **options)

    sim.set("a", 5)
    db = aio.Database(sim.url, transport=Waiting())
    asked = asyncio.ensure_future(db.get("a"))
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert not asked.done()
    released.set()
    assert await asked == 5


async def test_an_answer_that_nobody_waits_for_any_more_is_not_that_of_the_next_request():
    answered = threading.Event()

    class Slow:
        """The first answer comes when the second was taken."""

        def request(self, method, url, **_):
            if url.endswith("first.json"):
                assert answered.wait(10)
            return Answer(url)

    class Answer:
        status_code = 200
        closed = 0

        def __init__(self, url):
            self.content = json.dumps(url.rpartition("/")[2]).encode()

        def close(self):
            Answer.closed += 1

    db = aio.Database("http://127.0.0.1:1", transport=Slow())
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(db.get("first"), 0.05)
    assert await db.get("second") == "second.json"
    third = asyncio.ensure_future(db.get("first"))
    answered.set()
    assert await third == "first.json"
    while Answer.closed < 3:
        await asyncio.sleep(0.01)


def test_a_session_keeps_its_connection(sim):
    with requests.Session() as session, flamelet.Database(sim.url, transport=session) as db:
        feed = db.feed("readings", (("n", 0),))
        for n in range(20):
            feed.push(n)
        assert db.transaction("count", lambda count: (count or 0) + 1) == 1
    assert len(sim.get("readings")) == 20
    assert sim.connections == 1

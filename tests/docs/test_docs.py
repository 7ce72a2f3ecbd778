"""The documentation keeps its word: every Python block of it is run on both Pythons and prints what the page says.

In: README.md and docs/*.md. A page's blocks run one after another, as one program, against an empty simulator. What
one prints stands in it behind `#> `, line by line. Comments of HTML hold what a reader need not see:

    <!-- python          code that runs too, such as the variables that the next block takes for granted
    <!-- until: LINE     the block behind it never ends by itself: it is run until it has printed LINE;
                         what it prints before needs no `#> `
"""

import json
import re

import pytest
from clients import ROOT
from scenarios import pages

from flamelet_tools.simulator import Simulator

pytestmark = pytest.mark.timeout(120)

BLOCK = re.compile(r"^(?:<!-- until: ([^\n]*) -->\n)?(?:```|<!-- )python\n(.*?)^(?:```|-->)$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"#> (.*)$", re.MULTILINE)
PAGES = {path.name: path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}


# The server that the page of the gateway describes.
GATEWAY = json.loads(re.search(r"```json\n(.*?)```", PAGES["gateway.md"], re.DOTALL)[1])


@pytest.fixture
def places(tmp_path):
    """What stands for the servers and files that pages name."""
    with Simulator() as sim, Simulator(tls=True) as secure, Simulator(gateway=GATEWAY) as gateway:
        (tmp_path / "ca.pem").write_bytes(secure.ca_pem)
        yield {
            "https://example-default-rtdb.firebaseio.com": sim.url,
            'flamelet.Firestore("my-project", token': f'flamelet.Firestore("demo", token, url="{sim.url}/v1"',
            "https://api.example.com": gateway.url,
            "http://127.0.0.1:9000": sim.url,
            "https://127.0.0.1:9443": secure.url,
            '"ca.pem"': repr(str(tmp_path / "ca.pem")),
        }


def blocks_of(page):
    """Return [line, code, until] of each block of the page, `line` being that of its fence."""
    return [[page.count("\n", 0, match.start(2)), match[2], match[1]] for match in BLOCK.finditer(page)]


@pytest.mark.parametrize("name", [name for name in PAGES if "python\n" in PAGES[name]])
def test_every_block_of_a_page_prints_what_the_page_says(blocking_client, places, name):
    page = PAGES[name]
    for written, real in places.items():
        page = page.replace(written, real)
    blocks = blocks_of(page)
    play = blocking_client.play(pages.blocks, blocks=blocks)
    for line, code, until in blocks:
        print(f"{name}, line {line}")
        printed, promised = play.heard(), PROMISE.findall(code)
        # What a block without an end has printed last is its `until`, by its scenario.
        assert printed == promised or until and not promised
    assert play.result() is None


def test_no_block_escapes():
    for name, page in PAGES.items():
        assert len(blocks_of(page)) == len(re.findall("(?:```|<!--) ?py", page)), name


def test_a_block_that_prints_something_else_is_noticed(blocking_client):
    page = "# Page\n```python\nprint(1 + 1, None)    #> 3 None\n```\n<!-- until: 1 -->\n```python\nn = 0\nwhile True:\n"
    page += "    print(n)\n    n += 1\n```\n"
    blocks = blocks_of(page)
    assert [PROMISE.findall(code) for _, code, _ in blocks] == [["3 None"], []]
    play = blocking_client.play(pages.blocks, blocks=blocks)
    assert play.heard() == ["2 None"]
    assert play.heard() == ["0", "1"]
    assert play.result() is None


def test_a_block_that_ends_too_early_is_noticed(blocking_client):
    with pytest.raises(AssertionError, match="had not printed 'more' but .'once'"):
        blocking_client.run(pages.blocks, blocks=[[1, "print('once')", "more"]])

"""Every file, test and heading that the documentation names exists."""

import re

import pytest
from clients import ROOT
from named_tests import missing_tests, named_tests

PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *sorted((ROOT / "docs").glob("*.md")),
        ROOT / "tests" / "recordings" / "README.md",
    ]
}
# A path in backticks below a folder of the repository. A page about the library may leave out lib/flamelet/.
_PATH = re.compile(r"`((?:boards|docs|lib|tests|tools)/[\w./-]*)`")
_IN_LIBRARY = re.compile(r"`((?:\w+/)?\w+\.py|\w+/)`")
_ALL_OF_LIBRARY = "docs/architecture.md"
_LINK = re.compile(r"\]\(([^)]+)\)")
_TREE = re.compile(r"^## Where things are\n+```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def missing_paths(name, page):
    """Return the paths that a page names and that do not exist."""
    missing = [path for path in _PATH.findall(page) if not (ROOT / path).exists()]
    if name == _ALL_OF_LIBRARY:
        places = [ROOT / "lib" / "flamelet", ROOT]
        missing += [path for path in _IN_LIBRARY.findall(page) if not any((place / path).exists() for place in places)]
    return missing


def broken_links(name, page):
    """Return the relative links of a page that lead to no file or no heading."""
    folder = (ROOT / name).parent
    broken = []
    for target in _LINK.findall(page):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        linked = page if not file else (folder / file).read_text() if (folder / file).is_file() else ""
        if not linked and not (folder / file).exists() or heading and heading not in anchors(linked):
            broken.append(target)
    return broken


def anchors(page):
    """Return the anchors of the headings of a page, as GitHub makes them."""
    titles = [re.sub(r"[^\w -]", "", title).lower() for title in re.findall(r"^#+ (.*)$", page, re.MULTILINE)]
    return [title.replace(" ", "-") for title in titles]


@pytest.mark.parametrize("name", PAGES)
def test_each_path_that_a_page_names_exists(name):
    assert missing_paths(name, PAGES[name]) == []


@pytest.mark.parametrize("name", PAGES)
def test_each_link_of_a_page_leads_to_a_file_and_a_heading(name):
    assert broken_links(name, PAGES[name]) == []


@pytest.mark.parametrize("name", PAGES)
def test_each_test_that_a_page_names_exists(name):
    assert missing_tests(PAGES[name]) == []


def test_the_tree_in_the_readme_has_folders_and_files_that_exist():
    tree = [line.split()[0] for line in _TREE.search(PAGES["README.md"])[1].splitlines()]
    assert len(tree) > 5
    assert [path for path in tree if not (ROOT / path).exists()] == []


def test_what_does_not_exist_is_noticed():
    page = "# A title\n`tests/nowhere/`, `lib/flamelet/errors.py`, [a](#a-title), [b](#another), [c](none.md)\n"
    assert missing_paths("README.md", page) == ["tests/nowhere/"]
    assert missing_paths(_ALL_OF_LIBRARY, "`wire/json.py`, `wire/`, `main.py`, `wire/none.py`") == ["wire/none.py"]
    assert broken_links("README.md", page) == ["#another", "none.md"]


def test_the_pages_name_many_tests_and_paths():
    assert sum(len(named_tests(page)) for page in PAGES.values()) > 200
    assert sum(len(_PATH.findall(page)) for page in PAGES.values()) > 20

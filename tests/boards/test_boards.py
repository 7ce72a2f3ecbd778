"""boards/esp32 and boards/pico_w on MicroPython, over fakes of what the firmware has; then main.py with them."""

import ast

import pytest
from clients import ROOT
from fake_board import FAKES, FakeBoard
from fixtures import runtimes

from flamelet_tools.shared.compile import compile_file

pytestmark = pytest.mark.parametrize("runtime", runtimes("micropython"))

# Of each kind the first chip with today's firmware, and a later one with the oldest.
CHIPS = {
    "esp32": ("esp32", {}),
    "esp32s3": ("esp32", {"machine": "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3"}),
    "esp32c3": ("esp32", {"machine": "ESP32C3 module with ESP32C3", "firmware": "1.22"}),
    "pico_w": ("pico_w", {}),
    "pico_2_w": ("pico_w", {"machine": "Raspberry Pi Pico 2 W with RP2350", "firmware": "1.22"}),
}
FUNCTIONS = [node for node in ast.parse((FAKES / "board_functions.py").read_text()).body if hasattr(node, "args")]
# Those that take arguments are helpers.
NAMES = [node.name for node in FUNCTIONS if not node.args.args and not node.args.kwarg]
OTHERS = {"esp32": "pico_", "pico_w": "esp32_"}
CASES = [(chip, name) for name in NAMES for chip in CHIPS if not name.startswith(OTHERS[CHIPS[chip][0]])]


@pytest.mark.parametrize(("chip", "name"), CASES)
def test_on_each_board(runtime, tmp_path, chip, name):
    kind, world = CHIPS[chip]
    exit_code, output = FakeBoard(tmp_path, kind, **world).call(name)
    assert exit_code == 0, output


@pytest.mark.parametrize("source", ["main.py", "boards/shared", "boards/esp32", "boards/pico_w"])
def test_what_a_board_runs_compiles_without_machine_code(runtime, tmp_path, source):
    files = [ROOT / source] if source.endswith(".py") else sorted((ROOT / source).glob("*.py"))
    assert files
    for file in files:
        compile_file(file, tmp_path / "x.mpy")
        magic, version, flags = (tmp_path / "x.mpy").read_bytes()[:3]
        # The architecture stands in the upper six bits.
        assert (magic, version, flags >> 2) == (ord("M"), 6, 0), file

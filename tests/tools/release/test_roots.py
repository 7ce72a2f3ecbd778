"""The root certificates that the library ships: where they come from, and how long they last."""

import hashlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner

from flamelet.net import roots as _roots
from flamelet_tools.release import roots

FILE = Path(__file__).resolve().parents[3] / "lib" / "flamelet" / "net" / "roots.py"


def test_the_committed_file_is_what_the_tool_writes_for_the_certificates_that_it_holds():
    assert FILE.read_text() == roots.module_text(_roots.CERTIFICATES)


def test_the_certificates_are_those_that_certifi_has_today(tmp_path):
    done = CliRunner().invoke(roots.roots, ["--output", str(tmp_path / "roots.py")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "roots.py").read_text() == FILE.read_text()


# Google publishes these at https://pki.goog/repository/.
def test_the_fingerprints_are_those_that_google_publishes():
    assert [hashlib.sha256(certificate).hexdigest() for certificate in _roots.CERTIFICATES] == [
        "d947432abde7b7fa90fc2e6b59101b1280e0e1c7e4e40fa3c6887fff57a7f4cf",
        "349dfa4058c5e263123b398ae795573c4e1313c83fe68f93556cd5e8031b3c7d",
    ]


@pytest.mark.parametrize("certificate", _roots.CERTIFICATES, ids=roots.ROOTS)
def test_a_certificate_lasts_another_year(certificate):
    left = roots.date(roots.parse(certificate)["notAfter"]) - datetime.now(timezone.utc)
    assert left > timedelta(days=365), f"it expires in {left.days} days: choose its successor"


def test_a_name_that_certifi_does_not_have_is_refused():
    with pytest.raises(roots.click.ClickException, match="No Such Root"):
        roots.find(["No Such Root"])

"""Google's own Firestore emulator, a Java program of the Google Cloud CLI.

In: security rules. Out: the origin of an emulator that answers, or `NotStarted` with what it printed. It is killed at
the end, with all that it started: it keeps nothing on disk, and a `java` that is left behind keeps its port. A shell
does that as soon as its input ends: so it happens too where this process is killed.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time

import requests

# On a machine with two processors that are busy; alone it takes two seconds.
DEADLINE_SECONDS = 90
ANSWER_SECONDS = 5
MISSING = (
    "gcloud is not installed here: without it nothing is tested against Google's Firestore emulator. Install the "
    "Google Cloud CLI with its component cloud-firestore-emulator, and Java"
)
# gcloud makes a process group of its own, to which all belong that it starts.
_GUARD = """
exec 3<&0
"$@" 3<&- &
gcloud=$!
{ read -r _; kill -s KILL -- "-$gcloud" || kill -s KILL "$gcloud"; } <&3 &
guard=$!
wait "$gcloud"
echo "gcloud ended with exit code $?"
kill "$guard"
"""


class NotStarted(Exception):
    """The emulator gave no answer; the text is what it printed."""


def find_gcloud():
    """Return the path of the `gcloud` command, None where there is none."""
    return shutil.which("gcloud")


@contextlib.contextmanager
def running(folder, rules):
    """Run an emulator that judges by these security rules; what it writes is in `folder`.

    Yields: its origin, such as http://127.0.0.1:43211. Raises: NotStarted.
    """
    address = f"127.0.0.1:{_free_port()}"
    (folder / "firestore.rules").write_text(rules)
    log = folder / "emulator.log"
    command = [find_gcloud(), "emulators", "firestore", "start", f"--host-port={address}"]
    command.append(f"--rules={folder / 'firestore.rules'}")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", *command],
            # Its own folder: else it writes into the user's settings.
            env=os.environ | {"CLOUDSDK_CONFIG": str(folder / "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_answer(process, f"http://{address}", log)
        yield f"http://{address}"
    finally:
        process.stdin.close()
        process.wait(DEADLINE_SECONDS)


def _wait_for_answer(process, url, log):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotStarted(f"the Firestore emulator did not start:\n{log.read_text()}")
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(url, timeout=ANSWER_SECONDS).text.strip() == "Ok":
                return
        time.sleep(0.05)
    raise NotStarted(f"the Firestore emulator did not answer within {DEADLINE_SECONDS} s:\n{log.read_text()}")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

# Sourced by tools/run and tools/test: makes .venv beside this checkout and installs what is needed.
#
# In: the names of the extras of setup.cfg. Out: $root, the checkout, and a .venv that has them, or one clear line and
# exit code 1. Nothing is written outside of the checkout. A stamp in .venv for each extra says what was installed, so
# that the second time costs a few milliseconds; it changes with setup.cfg, pyproject.toml, the place and the Python.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv

say() { printf 'flamelet: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 python3.10; do
        command -v "$candidate" >/dev/null && new_enough "$candidate" && { command -v "$candidate"; return; }
    done
    return 1
}

missing_python() {
    local found
    found=$(python3 --version 2>/dev/null) || found="no python3"
    fail "Python 3.10 or newer is needed, and this machine has $found." \
        "Debian: apt-get install python3 python3-venv; macOS: brew install python3." \
        "(PYTHON=/path/to/python3 names another one.)"
}

make_venv() {
    local python
    python=$(find_python) || missing_python
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module. Debian: apt-get install python3-venv (or the -venv package of that version)."
    say "making .venv with $("$python" --version) ($python)"
    rm -rf -- "$venv"
    "$python" -m venv "$venv" >"$root/.venv-log" 2>&1 || {
        cat -- "$root/.venv-log" >&2
        rm -rf -- "$venv" "$root/.venv-log"
        fail "making .venv failed, for the reason above."
    }
    rm -f -- "$root/.venv-log"
}

fingerprint() { { cksum <"$root/setup.cfg"; cksum <"$root/pyproject.toml"; printf '%s\n' "$root"; } | cksum; }

usable() { [ "$(cat "$venv/place" 2>/dev/null)" = "$root" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

installed() {
    local extra
    [ -x "$venv/bin/python" ] || return 1
    for extra; do
        [ "$(cat "$venv/installed-$extra" 2>/dev/null)" = "$(fingerprint)" ] || return 1
    done
}

install_extras() {
    local extra extras log=$venv/install.log
    extras=$(IFS=,; printf '%s' "$*")
    say "installing flamelet[$extras] into .venv (about a minute the first time)"
    "$venv/bin/python" -m pip install --disable-pip-version-check --editable "$root[$extras]" >"$log" 2>&1 || {
        tail -n 20 -- "$log" >&2
        fail "pip could not install flamelet[$extras], for the reason above (all of it: $log)." \
            "Is the package index reachable? The same command tries again."
    }
    for extra; do fingerprint >"$venv/installed-$extra"; done
    say "ready"
}

prepare() {
    installed "$@" && return
    usable || make_venv
    printf '%s\n' "$root" >"$venv/place"
    install_extras "$@"
}

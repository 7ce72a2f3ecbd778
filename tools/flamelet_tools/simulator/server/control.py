"""Serves the simulator's own endpoints for other processes: `/.simulator/...`, JSON in and out.

    POST   /.simulator/faults        {"name": "drop_after", "method": "PUT", "path": "/devices", "count": 1}
    DELETE /.simulator/faults        clears all faults
    GET    /.simulator/requests      a list of the requests so far, without secrets
    GET    /.simulator/connections   {"accepted": n, "open": n, "streams": n}
    POST   /.simulator/cancel        {"reason": "Permission denied."} (or nothing); answers {"ended": n}
    POST   /.simulator/revoke        sends auth_revoked to all streams and ends them; answers {"ended": n}
    POST   /.simulator/close         ends all streams; answers {"ended": n}

They need no credential, are not recorded, and are not affected by faults.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from flamelet_tools.simulator.http import answers
from flamelet_tools.simulator.http.answers import Answer
from flamelet_tools.simulator.rtdb import event_bytes
from flamelet_tools.simulator.server.faults import LISTENER_FAULTS, make_fault
from flamelet_tools.simulator.server.state import State, end_streams

PREFIX = "/.simulator/"


def answer(state: State, method: str, path: str, body: bytes) -> Answer:
    """Answer a request to the simulator itself."""
    action = _ACTIONS.get((method, path.partition("?")[0].removeprefix(PREFIX)))
    if action is None:
        known = ", ".join(f"{method} {PREFIX}{name}" for method, name in _ACTIONS)
        return answers.error(404, f"The simulator has no {method} {path.partition('?')[0]}; it has {known}.")
    try:
        arguments = json.loads(body or b"{}")
        if not isinstance(arguments, dict):
            raise ValueError("the body must be a JSON object")
        return Answer(200, answers.compact_json(action(state, arguments)))
    except (TypeError, ValueError) as wrong:
        return answers.error(400, str(wrong))


def add_fault(state: State, arguments: dict[str, Any]) -> None:
    """Add a fault; see `faults`. Raises: ValueError or TypeError that says what is wrong."""
    fault = make_fault(**arguments)
    if fault.name in LISTENER_FAULTS:
        state.on_listener_fault(fault)
    else:
        state.faults.append(fault)


def _clear_faults(state: State, arguments: dict[str, Any]) -> None:
    state.faults.clear()


def _requests(state: State, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    return [asdict(record) for record in state.records]


def _connections(state: State, arguments: dict[str, Any]) -> dict[str, int]:
    return {"accepted": state.accepted, "open": len(state.connections), "streams": len(state.streams)}


def _cancel(state: State, arguments: dict[str, Any]) -> dict[str, int]:
    reason = arguments.get("reason", event_bytes.PERMISSION_CANCELLED)
    return {"ended": end_streams(state, event_bytes.cancel_bytes(reason))}


def _revoke(state: State, arguments: dict[str, Any]) -> dict[str, int]:
    return {"ended": end_streams(state, event_bytes.AUTH_REVOKED)}


def _close(state: State, arguments: dict[str, Any]) -> dict[str, int]:
    return {"ended": end_streams(state)}


_ACTIONS = {
    ("POST", "faults"): add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _requests,
    ("GET", "connections"): _connections,
    ("POST", "cancel"): _cancel,
    ("POST", "revoke"): _revoke,
    ("POST", "close"): _close,
}

"""A request to the simulator, as its tests make them by the dozen."""

import json

import requests

DEADLINE_SECONDS = 10


def call(sim, method, path, data=None, **arguments):
    """The answer to `method` on `path`, with `data` as a JSON body; `arguments` are those of `requests.request`."""
    body = None if data is None else json.dumps(data)
    return requests.request(method, sim.url + path, data=body, timeout=DEADLINE_SECONDS, **arguments)

"""Pushes with the firmware's own `requests` and `json`: the same PUT, one connection each. It does not verify the
server.
"""

import config
import requests

URL = "%s/%s/-Oabcdefghijklmnopqr.json?print=silent&auth=%s" % (config.URL, config.PATH, config.TOKEN)


def push(a, b, c, d):
    response = requests.put(URL, json=dict(zip(config.NAMES, (a, b, c, d))))
    status = response.status_code
    response.close()
    if status != 204:
        raise OSError(status)

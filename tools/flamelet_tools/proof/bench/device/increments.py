"""Adds COUNT to a number, one transaction after another, while other devices do too: `increments COUNT URL CA PATH`.

Prints a line of JSON with the number of transactions.
"""

import json
import sys

import config

import flamelet

COUNT = int(sys.argv[1])
database = flamelet.Database(config.URL, config.TOKEN, ca=config.CA)
for _ in range(COUNT):
    database.transaction(config.PATH, lambda n: (n or 0) + 1)
print(json.dumps({"transactions": COUNT}))

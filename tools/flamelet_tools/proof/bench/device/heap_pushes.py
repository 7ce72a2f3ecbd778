"""Twenty pushes in as small a heap as it takes: `heap_pushes CLIENT URL CA PATH`."""

import sys

import config

client = __import__(sys.argv[1])
for i in range(20):
    config.ints(client.push, i)

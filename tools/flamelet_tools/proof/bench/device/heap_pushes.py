"""Makes twenty pushes in a heap of limited size: `heap_pushes CLIENT URL CA PATH`."""

import sys

import config

client = __import__(sys.argv[1])
for i in range(20):
    config.ints(client.push, i)

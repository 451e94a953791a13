"""What the integration tests are written in: real processes on loopback addresses of their own.

    world.py    where the programs are, how patient this build wants us to be
    waiting.py  waiting for events, with deadlines
    process.py  one child process, its log and its end
    node.py     a twincached (or, to try a test, a memcached) and a pair of them
    client.py   a raw text client
    relay.py    a link that can be cut, black-holed and slowed
    nats_server.py, nats_case.py  nats-servers, and clusters that meet there
    proxy.py    HAProxy in front of two nodes
    shipped.py  what stands in conf/, run as it is
    numbered.py writers of numbers, who notice an older one that comes back
    load.py     load threads that record every answer and its time
    together.py two things done at the same time
    repcached.py a stand-in for the old nodes, with the habits of both versions
    killing.py  nodes killed in the midst of writes that wait for the peer
    case.py     the TestCase that owns all of it and shows the logs of a failed test
"""

from harness.case import Case, main
from harness.client import Client, ClientClosed
from harness.load import Load
from harness.node import Node, Pair
from harness.proxy import HAProxy
from harness.relay import Relay
from harness.waiting import until, within
from harness import world

__all__ = ["Case", "Client", "ClientClosed", "HAProxy", "Load", "Node", "Pair", "Relay", "main",
           "until", "within", "world"]

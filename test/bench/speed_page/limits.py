"""What limits each row: the first that is in a workload's name is meant. A row without one fails the
tests."""

LIMITS = {
    "idle": "the session's state, and the buffers that it gave back",
    "start of": "the dynamic loader: 14 libraries, four of them C++, and twice as many pages touched "
                "before main as memcached's 220",
    "join of": "reading each item from memory that no cache holds, and writing it to such",
    "within": "the header of an item, and what is kept free to write to",
    "items of": "the header of an item, the index's word, and what rounding to a size leaves empty",
    "lag beside": "the rest between two turns of the thread that sends, a fifth of a millisecond",
    "cost of replication": "reading each record from the store, and freeing it when it is "
                           "acknowledged",
    "handshake and": "one signature of P-256 and the derivation of keys, OpenSSL's for all",
    "100 kB over TLS": "AES-GCM, then copying through the socket",
    "over TLS, 16": "as without TLS; a record holds many answers",
    "over TLS": "the kernel's work as without TLS, and a record each way: a few hundred bytes cost "
                "as much to begin as to encrypt",
    "new connection": "accepting, registering and closing in the kernel",
    "2 threads": "as with one; where two threads share a core, also their turns",
    "1 connection": "the wake-up of an idle thread, once a request",
    "10,000 connections": "the kernel's work; no connection is in the cache when its turn comes",
    "1000 connections": "the kernel's work, with a colder cache and fuller turns of epoll",
    "meta get, 16": "as a get's, and a line that is parsed flag by flag",
    "get, 16": "a look-up whose memory no cache holds; hidden by fetching ahead of the batch",
    "multi-get": "copying keys and values into the answer",
    "set, 16": "the log of changes and the place of the item, one after the other",
    "20,000/s": "the wake-up of an idle thread; the load and the server have a core each",
    "Zipf": "as its gets; what is hot stays in the cache",
    "90 %": "as its gets",
    "one a packet": "the kernel's work on a packet in and one out, 80 % of all",
    "of 32 B": "as of 100 bytes: the packet, not what is in it",
    "of 1 kB": "as of 100 bytes: the packet, not what is in it",
    " kB": "copying through the socket; one copy into the store",
    " MB": "copying through the socket; one copy into the store",
}


def limit_of(workload):
    return next((text for name, text in LIMITS.items() if name in workload), "")

"""pymemcache: text; quiet by default, pipelined sets, its hashing and its retrying client."""
from pymemcache import serde
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.client.retrying import RetryingClient

from checking import check, counting, eventually, loop, run, split_address


def everything(_dialect, prefix, here, there):
    client = Client(split_address(here), timeout=5, default_noreply=False, key_prefix=prefix.encode())
    other = Client(split_address(there), timeout=5, key_prefix=prefix.encode())
    check("set", client.set("k", b"one", expire=100))
    value, token = client.gets("k")
    check("gets", value, b"one")
    check("cas", client.cas("k", b"two", token))
    check("cas again", client.cas("k", b"three", token), False)
    check("cas of nothing", client.cas("absent", b"x", token), None)
    eventually("cas", lambda: other.get("k"), b"two")
    check("set_many", client.set_many({"a": b"1", "b": b"2"}), [])
    check("get_many", client.get_many(["a", "b", "c"]), {"a": b"1", "b": b"2"})
    check("gets_many", sorted(client.gets_many(["a", "b", "c"])), ["a", "b"])
    check("add", client.add("k", b"x"), False)
    check("replace", client.replace("absent", b"x"), False)
    check("append", client.append("a", b"0"))
    check("prepend", client.prepend("a", b"3"))
    check("incr", client.incr("a", 1), 311)
    check("decr", client.decr("a", 1000), 0)
    check("incr of nothing", client.incr("absent", 1), None)
    check("touch", client.touch("b", 10))
    check("touch of nothing", client.touch("absent", 10), False)
    check("delete", client.delete("b"))
    check("delete of nothing", client.delete("b"), False)
    check("delete_many", client.delete_many(["a"]))
    for number in range(100):
        client.set(f"quiet{number}", b"%d" % number, noreply=True)
    keys = [f"quiet{number}" for number in range(100)]
    check("quiet sets", len(client.get_many(keys)), 100)
    eventually("quiet sets", lambda: len(other.get_many(keys)), 100)
    client.delete("quiet7", noreply=True)
    eventually("a quiet delete", lambda: other.get("quiet7"), None)
    check("version", client.version().startswith(b"1.6"))
    plain = Client(split_address(here), timeout=5)  # for it would prefix every word behind the verb
    check("stats", plain.stats()[b"curr_items"] >= 99)
    check("stats settings", b"maxbytes" in plain.stats("settings"))
    check("cache_memlimit", plain.cache_memlimit(256))
    check("large", client.set("large", b"x" * 1_000_000))
    eventually("a large value", lambda: other.get("large"), b"x" * 1_000_000)
    _others(prefix, here)
    check("flush_all", client.flush_all())
    eventually("flush_all", lambda: other.get("k"), None)
    client.quit()


def _others(prefix, here):
    """The clients that are made of the plain one."""
    address = split_address(here)
    hashing = HashClient([address], timeout=5, default_noreply=False)
    check("HashClient set_many", hashing.set_many({prefix + "h1": b"1", prefix + "h2": b"2"}), [])
    check("HashClient get_many", len(hashing.get_many([prefix + "h1", prefix + "h2"])), 2)
    pooled = PooledClient(address, timeout=5, serde=serde.pickle_serde, default_noreply=False)
    check("PooledClient set", pooled.set(prefix + "pooled", {"a": 1}))
    check("PooledClient get", pooled.get(prefix + "pooled"), {"a": 1})


def in_a_loop(_dialect, prefix, at, seconds):
    base = Client(split_address(at), timeout=2, connect_timeout=2)
    client = RetryingClient(base, attempts=3, retry_delay=0.3)
    loop(prefix, seconds, lambda key, value: client.set(key, value, noreply=False),
         lambda key: (client.get(key) or b"").decode())


def count(_dialect, prefix, at, times):
    client = Client(split_address(at), timeout=5)
    counting(times, lambda: client.add(prefix, b"0", noreply=False), lambda: client.incr(prefix, 1))


run(everything, in_a_loop, count)

"""pylibmc (libmemcached): text and binary; GETKQ and NOOP for many keys, gets for every get."""
import pylibmc

from checking import check, counting, eventually, loop, run


def client_of(at, dialect):
    client = pylibmc.Client([at], binary=dialect == "binary")
    client.behaviors = {"cas": True, "tcp_nodelay": True, "retry_timeout": 1,
                        "connect_timeout": 2000, "remove_failed": 0}
    return client


def replaced(client, key):
    """In binary a miss is NotFound, as with memcached, whose text protocol has no word for it."""
    try:
        return client.replace(key, b"x")
    except pylibmc.NotFound:
        return False


def everything(dialect, prefix, here, there):
    client, other = client_of(here, dialect), client_of(there, dialect)
    thing = {"a": [1, 2.5, None], "b": "c" * 1000}
    check("set", client.set(prefix + "thing", thing, time=100))
    check("get", client.get(prefix + "thing"), thing)
    check("set, compressed", client.set(prefix + "big", "x" * 500_000, min_compress_len=1000))
    check("get it", client.get(prefix + "big"), "x" * 500_000)
    check("set_multi", client.set_multi({"m1": 1, "m2": b"two"}, key_prefix=prefix), [])
    check("get_multi", client.get_multi(["m1", "m2", "m3"], key_prefix=prefix),
          {"m1": 1, "m2": b"two"})
    check("add what is there", client.add(prefix + "m1", 5), False)
    check("add", client.add(prefix + "new", b"middle"))
    check("replace", client.replace(prefix + "new", b"middle"))
    check("replace nothing", replaced(client, prefix + "absent"), False)
    check("append", client.append(prefix + "new", b"-end"))
    check("prepend", client.prepend(prefix + "new", b"start-"))
    check("get both", client.get(prefix + "new"), b"start-middle-end")
    value, token = client.gets(prefix + "new")
    check("gets", value, b"start-middle-end")
    check("cas", client.cas(prefix + "new", b"swapped", token))
    check("cas again", client.cas(prefix + "new", b"x", token), False)
    check("incr", (client.set(prefix + "n", 9), client.incr(prefix + "n", 5)), (True, 14))
    check("decr", client.decr(prefix + "n"), 13)
    check("touch", client.touch(prefix + "n", 100))
    check("touch of nothing", client.touch(prefix + "absent", 100), False)
    eventually("cas", lambda: other.get(prefix + "new"), b"swapped")
    eventually("a counter", lambda: other.get(prefix + "n"), 13)
    eventually("a compressed value", lambda: other.get(prefix + "big"), "x" * 500_000)
    check("delete", client.delete(prefix + "n"))
    check("delete of nothing", client.delete(prefix + "n"), False)
    check("delete_multi", client.delete_multi(["m1", "m2"], key_prefix=prefix))
    eventually("a delete", lambda: other.get(prefix + "m1"), None)
    (_, stats), = client.get_stats()
    check("stats", int(stats["curr_items"]) > 0)
    check("flush_all", client.flush_all())
    check("get after flush_all", client.get(prefix + "new"), None)
    eventually("flush_all", lambda: other.get(prefix + "new"), None)


def in_a_loop(dialect, prefix, at, seconds):
    client = client_of(at, dialect)
    loop(prefix, seconds, client.set, client.get)


def count(dialect, prefix, at, times):
    client = client_of(at, dialect)
    counting(times, lambda: client.add(prefix, "0"), lambda: client.incr(prefix))


run(everything, in_a_loop, count)

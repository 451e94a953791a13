"""bmemcached (python3-binary-memcached): binary; SETQ and GETKQ with NOOP, cas in the header."""
import bmemcached

from checking import check, counting, eventually, loop, run


def client_of(at):
    return bmemcached.Client((at,), socket_timeout=2)


def everything(_dialect, prefix, here, there):
    client, other = client_of(here), client_of(there)
    check("set", client.set(prefix + "thing", {"a": [1, None]}, time=100))
    check("get", client.get(prefix + "thing"), {"a": [1, None]})
    check("set, compressed", client.set(prefix + "big", "x" * 500_000))
    check("get it", client.get(prefix + "big"), "x" * 500_000)
    check("set_multi", client.set_multi({prefix + "m1": "one", prefix + "m2": "two"}), [])
    check("get_multi", client.get_multi([prefix + "m1", prefix + "m2", prefix + "m3"]),
          {prefix + "m1": "one", prefix + "m2": "two"})
    check("add what is there", client.add(prefix + "m1", "x"), False)
    check("add", client.add(prefix + "new", "n"))
    check("replace", client.replace(prefix + "new", "other"))
    check("replace nothing", client.replace(prefix + "absent", "x"), False)
    value, token = client.gets(prefix + "new")
    check("gets", value, "other")
    check("cas", client.cas(prefix + "new", "swapped", token))
    check("cas again", client.cas(prefix + "new", "x", token), False)
    check("incr creates", client.incr(prefix + "n", 1, default=5), 5)
    check("incr", client.incr(prefix + "n", 10), 15)
    check("decr", client.decr(prefix + "n", 100), 0)
    eventually("cas", lambda: other.get(prefix + "new"), "swapped")
    eventually("a compressed value", lambda: other.get(prefix + "big"), "x" * 500_000)
    eventually("a created counter", lambda: other.incr(prefix + "n", 0), 0)
    check("delete", client.delete(prefix + "new"))
    check("delete_multi", client.delete_multi([prefix + "m1", prefix + "m2"]))
    eventually("a delete", lambda: other.get(prefix + "m1"), None)
    stats, = client.stats().values()
    check("stats", int(stats["curr_items"]) > 0)
    check("flush_all", client.flush_all())
    check("get after flush_all", client.get(prefix + "thing"), None)
    eventually("flush_all", lambda: other.get(prefix + "thing"), None)
    client.disconnect_all()


def in_a_loop(_dialect, prefix, at, seconds):
    client = client_of(at)
    loop(prefix, seconds, client.set, client.get)


def count(_dialect, prefix, at, times):
    client = client_of(at)
    counting(times, lambda: None, lambda: client.incr(prefix, 1, default=1))


run(everything, in_a_loop, count)

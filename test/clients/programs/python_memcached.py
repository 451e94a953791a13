"""python-memcached: text; blank before the line end, pipelined sets, gets and cas with cache_cas."""
import memcache

from checking import check, counting, eventually, loop, run


def client_of(at):
    return memcache.Client([at], cache_cas=True, dead_retry=1, socket_timeout=2)


def everything(_dialect, prefix, here, there):
    client, other = client_of(here), client_of(there)
    check("set text", client.set(prefix + "text", "värde"))
    check("get text", client.get(prefix + "text"), "värde")
    thing = {"a": [1, 2.5, None], "b": "c" * 100_000}
    check("set a pickle, compressed", client.set(prefix + "thing", thing, time=100,
                                                 min_compress_len=1000))
    check("get it", client.get(prefix + "thing"), thing)
    check("set_multi", client.set_multi({"m1": 1, "m2": "two"}, key_prefix=prefix), [])
    check("get_multi", client.get_multi(["m1", "m2", "m3"], key_prefix=prefix),
          {"m1": 1, "m2": "two"})
    check("set a number", client.set(prefix + "count", "9"))
    check("incr", client.incr(prefix + "count"), 10)
    check("decr", client.decr(prefix + "count", 3), 7)
    check("decr below zero", client.decr(prefix + "count", 300), 0)
    check("incr of nothing", client.incr(prefix + "absent"), None)
    check("append", client.append(prefix + "text", "!"))
    check("prepend", client.prepend(prefix + "text", "?"))
    check("get both", client.get(prefix + "text"), "?värde!")
    check("add what is there", client.add(prefix + "text", "other"), False)
    check("add", client.add(prefix + "new", "n"))
    check("replace", client.replace(prefix + "text", "other"))
    check("replace nothing", client.replace(prefix + "absent", "x"), False)
    check("gets", client.gets(prefix + "text"), "other")
    check("cas", client.cas(prefix + "text", "third"))
    client.gets(prefix + "text")
    eventually("cas", lambda: other.get(prefix + "text"), "third")
    check("the other node's set", other.set(prefix + "text", "fourth"))
    eventually("a set", lambda: client.get(prefix + "text"), "fourth")
    check("cas after it", client.cas(prefix + "text", "fifth"), False)
    check("touch", client.touch(prefix + "text", 100))
    check("delete", client.delete(prefix + "new"))
    check("delete_multi", client.delete_multi(["m1", "m2"], key_prefix=prefix))
    check("get the deleted", client.get(prefix + "m1"), None)
    eventually("a delete", lambda: other.get(prefix + "new"), None)
    eventually("a pickle", lambda: other.get(prefix + "thing"), thing)
    (_, stats), = client.get_stats()
    check("stats", stats["version"].startswith("1.6."))
    check("stats items", client.get_stats("items")[0][1].get("items:1:number") is not None)
    check("flush_all", client.flush_all(), None)
    check("get after flush_all", client.get(prefix + "text"), None)
    eventually("flush_all", lambda: other.get(prefix + "text"), None)
    client.disconnect_all()


def in_a_loop(_dialect, prefix, at, seconds):
    client = client_of(at)
    loop(prefix, seconds, client.set, client.get)


def count(_dialect, prefix, at, times):
    client = client_of(at)
    counting(times, lambda: client.add(prefix, "0"), lambda: client.incr(prefix))


run(everything, in_a_loop, count)

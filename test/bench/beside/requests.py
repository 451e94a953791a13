"""What a request costs a server, how many it answers, and how soon, under each workload."""
import contextlib
import statistics
import tempfile

from measuring import Failed
from beside import peers, turns


def user_and_kernel(pid):
    """Ticks of the process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def window(server, workload, seconds, seed):
    """One window's figures. How the CPU time divides is told in ticks, how much it is, exactly."""
    before = user_and_kernel(server.pid)
    report = server.load(workload.options(seconds, seed))
    user, kernel = (now - then for now, then in zip(user_and_kernel(server.pid), before))
    if report["operations"] == 0:
        raise Failed(f"{workload.name}: nothing was answered")
    return {"us": report["server_us_per_operation"], "user": user / max(1, user + kernel),
            "per_second": report["operations_per_second"], **report["latency_us"]}


@contextlib.contextmanager
def serving(chosen, place):
    """{name: server}, filled, ours last, without those that cannot hold it."""
    threads, value, keys, is_tls = place
    servers = {}
    with tempfile.TemporaryDirectory(prefix="twincached-") as directory:
        settings = peers.Place(threads, certificate=peers.certificate(directory) if is_tls else None)
        try:
            for peer in chosen:
                servers[peer.name] = peer.start(settings)
            able = dict(servers)
            turns.without_failing(able, peers.TWINS.name, lambda server: fill(server, keys, value))
            yield able
        finally:
            for server in servers.values():
                server.stop()


def fill(server, keys, value):
    server.wait_until_open()
    server.fill(keys, value)


def measure(group, workload, servers, settings):
    taken = turns.by_turns(servers, settings.rounds, lambda server, seed: window(
        server, workload, settings.seconds, seed))
    rows = turns.rows_of(group, workload.name, taken, workload.figures,
                         load=workload.options(settings.seconds, 0), threads=workload.threads)
    for row in rows:
        row["user_part"] = {side: statistics.median(each["user"] for each in taken[name])
                            for side, name in (("ours", "twincached"), ("peer", row["peer"]))}
    return rows


def run(group, workloads, settings):
    """Yields the rows of each workload. Servers are started once a place, for the peers that can
    take any of its workloads."""
    for place in dict.fromkeys(workload.place() for workload in workloads):
        here = [workload for workload in workloads if workload.place() == place]
        able = [peer for peer in (peers.FLOOR, *settings.peers)
                if any(peer.takes(each) for each in here)]
        with serving(able, place) as servers:
            for workload in here:
                asked = {peer.name: servers[peer.name] for peer in able
                         if peer.takes(workload) and peer.name in servers}
                yield measure(group, workload, asked, settings)

"""What a kill -9 takes with it where answers do not wait for the peer (`ack = async`): the writes
that were answered and had not left yet."""
import multiprocessing
import statistics
import time

from harness.client import Client
from pair.stage import is_linked
from pair.table import OLD

WRITERS = 8    # processes, each with one request in flight
LOOK_BACK = 4000  # of each writer's last writes; what is older has long arrived
TARGET = 16


def _write(address, prefix, written):
    """Sets key after key until the node is gone; tells how many were answered."""
    count = 0
    try:
        with Client(address, 10.0) as client:
            while client.set(b"%s-%d" % (prefix, count), b"value") == b"STORED":
                count += 1
    except OSError:
        pass
    written.put((prefix, count))


def _kill_under_writers(victim, survivor, seconds):
    """(writes answered by the victim, those that the survivor lacks)."""
    written = multiprocessing.Queue()
    writers = [multiprocessing.Process(target=_write, args=((victim.host, victim.port),
                                                            b"w%d" % n, written))
               for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(seconds)
    victim.kill()
    answered = [written.get(timeout=30) for _ in writers]
    for writer in writers:
        writer.join()
    lost = 0
    with Client((survivor.host, survivor.port), 10.0) as client:
        for prefix, count in answered:
            keys = [b"%s-%d" % (prefix, n) for n in range(max(0, count - LOOK_BACK), count)]
            lost += len(keys) - len(client.gets_many(keys))
    return sum(count for _, count in answered), lost


def async_kills(stage, table, settings):
    losses, answered = [], 0
    for cycle in range(settings.kills):
        with stage.servers(512, ("-t", "2"), cores=(None, None)) as nodes:
            a, b = nodes
            assert is_linked(a.stats("replication"))
            count, lost = _kill_under_writers(a, b, 1.0 + 0.03 * (cycle % 12))
            answered += count
            losses.append(lost)
    median = statistics.median(losses)
    table.add(f"acknowledged writes lost by a kill -9 under {WRITERS} writers, ack = async",
              f"≤ {TARGET} in the median", f"median {median:g}, {min(losses)} to {max(losses)} "
              f"({settings.kills} kills, {answered} writes)", median <= TARGET and answered > 0,
              f"{OLD}: 0 to 16 of 80,000 / 0 to 8 of 64,000 a kill")


FIGURES = {"async_kills": async_kills}

"""Clients of one thread cannot take each other's time: beside whatever is asked, another waits at
most 20 ms."""
import contextlib
import resource
import socket

from harness import Case, heavy, main, world
from harness.certificates import Authority

ATTEMPTS = 4  # a stall that the server makes is there every time; one of the machine is not
LONGEST_MS = 20


class Bystander(Case):
    def setUp(self):
        super().setUp()
        self.waits = {}

    def check(self, address, name, request):
        waits = []
        while len(waits) < ATTEMPTS:
            waits.append(heavy.worst_wait_ms(address, request))
            if waits[-1] <= LONGEST_MS * world.TIME_FACTOR:
                break
        print(f"{name}: {min(waits):.1f} ms", flush=True)
        self.assertLessEqual(min(waits), LONGEST_MS * world.TIME_FACTOR, f"beside {name}: {waits}")

    def test_waits_for_nobody_who_asks_for_much(self):
        node = self.node("-t", "1", "-m", "256").start()
        for name, request in heavy.REQUESTS.items():
            with self.subTest(name):
                heavy.fill(node.address)
                self.check(node.address, name, request)

    def test_waits_for_no_report_of_prefixes_and_no_watcher(self):
        node = self.node("-t", "1", "-m", "256").start()
        self.check(node.address, "stats detail dump", heavy.prefixes(node.address))
        heavy.fill(node.address)
        self.check(node.address, "watch", heavy.watcher)

    def test_waits_for_no_report_of_thousands_of_clients(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        many = min(4000, most - 500)
        node = self.node("-t", "1", "-c", str(many + 100)).start()
        with contextlib.ExitStack() as crowd:
            for _ in range(many):
                crowd.enter_context(socket.create_connection(node.address, 5))
            for name, request in heavy.REPORTS_OF_CLIENTS.items():
                with self.subTest(name):
                    self.check(node.address, f"{name} of {many} clients", request)
            with node.client() as client:
                states = [key for key in client.stats(b"conns") if key.endswith(":state")]
                # The listening socket, the crowd and who asks.
                self.assertEqual(len(states), many + 2)

    def test_waits_for_no_handshakes(self):
        made = Authority(self.directory).issue("cache")
        host = self.addresses.host(1)
        node = self.node("-t", "1", "-Z", "-o", f"ssl_chain_cert={made.cert},ssl_key={made.key}",
                         "-l", f"notls:{host}:{self.client_port + 1}").start()
        self.check((host, self.client_port + 1), "handshakes", heavy.handshakes(node.address[1]))


if __name__ == "__main__":
    main()

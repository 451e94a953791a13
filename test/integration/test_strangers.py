"""Strangers on the replication port: they get no data, take no slot and crash nothing."""
import random
import socket
import struct
import time

from harness import Case, Client, main, until, world

SECRET_VALUE = b"only-for-the-peer"


def binary(opcode, key=b"", extras=b"", magic=0x80, length=None):
    body = extras + key
    return struct.pack(">BBHBBHIIQ", magic, opcode, len(key), len(extras), 0, 0,
                       len(body) if length is None else length, 0, 0) + body


def frame(kind, payload=b"", magic=0xC7, length=None, sequence=0, checksum=0):
    """A frame as the link's header is drawn, with a checksum that is made up."""
    return struct.pack("<BBHIQII", magic, kind, 0, len(payload) if length is None else length,
                       sequence, checksum, 0) + payload


# The probes that killed repcached 2.3 (ANCESTORS 14) first, then what else a port may meet.
PROBES = {
    "get": b"get secret\r\n",
    "gets": b"gets secret\r\n",
    "stats": b"stats\r\n",
    "stats items": b"stats items\r\n",
    "incr": b"incr secret 1\r\n",
    "touch": b"touch secret 1\r\n",
    "cas": b"cas secret 0 0 1 1\r\nx\r\n",
    "set": b"set secret 0 0 4\r\nfake\r\n",
    "delete": b"delete secret\r\n",
    "flush_all": b"flush_all \r\n",
    "rep": b"rep secret 0 0 4 99\r\nfake\r\n",
    "marugoto_end": b"marugoto_end\r\n",
    "version and quit": b"version\r\nquit\r\n",
    "binary get": binary(0x00, b"secret"),
    "binary flush": binary(0x08),
    "binary header with a huge length": binary(0x01, b"k", length=0xFFFFFFFF),
    "binary response magic": binary(0x00, magic=0x81),
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tls hello": bytes.fromhex("160301020001000001fc0303") + b"\0" * 500,
    "our magic, unknown frame": frame(0x7E, b"x" * 100),
    "our magic, a length beyond the limit": frame(0x01, length=0xFFFFFFFF),
    "our magic, a hello before any proof": frame(0x03, b"\0" * 200, sequence=1),
    "our magic, a batch before any proof": frame(0x10, b"\0" * 200, sequence=1),
    "our magic, a flush before any proof": frame(0x14, b"\xff" * 8, sequence=1),
    "our magic, half a header": frame(0x01)[:11],
    "zeros": b"\0" * 4096,
    "a line without end": b"a" * 100000,
}


class Strangers(Case):
    needs_replication = True

    def setUp(self):
        super().setUp()
        self.nodes = self.pair()

    def _visit(self, node, data, source=None):
        """Says something to the replication port and returns what came back, within reason."""
        with Client(node.link_address, 2, source or self.addresses.host(7)) as visitor:
            visitor.set_timeout(world.scaled(0.15))
            try:
                if data:
                    visitor.send(data)
                return visitor.rest()
            except OSError:
                return b""

    def _start_a_alone(self):
        self.nodes.a.start(seconds=8)
        with self.nodes.a.client() as client:
            client.set(b"secret", SECRET_VALUE)

    def _check_unharmed(self):
        self.assertTrue(self.nodes.a.process.is_running())
        with self.nodes.a.client() as client:
            self.assertEqual(client.get(b"secret"), SECRET_VALUE)

    def test_every_probe_is_turned_away_and_the_real_peer_still_links(self):
        """ANCESTORS 13 and 14: a full dump for anybody, the slot lost, 8 of 22 probes crash."""
        self._start_a_alone()
        for name, data in PROBES.items():
            # The peer's own address gets past the list of those who may call at all.
            for source in (self.addresses.host(7), self.addresses.host(2)):
                with self.subTest(probe=name, source=source):
                    answer = self._visit(self.nodes.a, data, source)
                    self.assertNotIn(SECRET_VALUE, answer)
                    self.assertNotIn(b"VALUE", answer)
                    self.assertNotIn(b"STAT ", answer)
                    self._check_unharmed()
        self._let_the_peer_come()

    def _let_the_peer_come(self):
        self.nodes.b.start()
        self.nodes.wait_until_linked()
        with self.nodes.b.client() as client:
            self.assertEqual(client.get(b"secret"), SECRET_VALUE)

    def test_a_scanner_that_only_connects_gets_nothing_and_takes_nothing(self):
        self._start_a_alone()
        scanners = [Client(self.nodes.a.link_address, 2, self.addresses.host(source))
                    for source in (2, 7) for _ in range(20)]
        try:
            self._let_the_peer_come()
        finally:
            for scanner in scanners:
                scanner.close()

    def test_strangers_do_not_disturb_a_pair_that_is_linked(self):
        self.nodes.start()
        with self.nodes.a.client() as client:
            client.set(b"secret", SECRET_VALUE)
        for node in self.nodes:
            other = self.nodes.other(node)
            for name, data in PROBES.items():
                with self.subTest(probe=name, on=node.name):
                    self._visit(node, data, source=other.host)
        self._check_unharmed()
        self.assertTrue(self.nodes.is_linked())
        self.nodes.wait_until_equal([b"secret"])

    def test_random_bytes_on_the_link_never_hurt(self):
        self._start_a_alone()
        seed = world.number("TWINCACHED_SEED", int(time.time()))
        print(f"TWINCACHED_SEED={seed}", flush=True)
        noise = random.Random(seed)
        for _ in range(60):
            data = noise.randbytes(noise.randrange(1, 3000))
            if noise.random() < 0.5:
                data = frame(noise.randrange(0x40), data, sequence=noise.randrange(4))
            with Client(self.nodes.a.link_address, 2, self.addresses.host(2)) as visitor:
                try:
                    visitor.send(data)
                    visitor.half_close()
                    visitor.set_timeout(world.scaled(0.05))
                    self.assertNotIn(SECRET_VALUE, visitor.rest())
                except socket.timeout:
                    pass
                except OSError:
                    pass
        self._check_unharmed()
        self._let_the_peer_come()

    def test_a_crowd_at_the_door_does_not_use_up_the_clients_descriptors(self):
        self._start_a_alone()
        crowd = []
        try:
            for _ in range(500):
                crowd.append(Client(self.nodes.a.link_address, 2, self.addresses.host(7)))
        except OSError:
            pass  # turned away: just as good
        self._check_unharmed()
        for client in crowd:
            client.close()
        until(lambda: self.nodes.a.is_open(), 1, "clients are served")
        self._let_the_peer_come()


class ASecret(Case):
    needs_replication = True

    def _with_secret(self, node, secret):
        path = f"{self.directory}/{node.name}.conf"
        with open(path, "w") as file:
            file.write(f"[replication]\nsecret = {secret}\n")
        node.arguments = [f"--config={path}"]

    def test_equal_secrets_link(self):
        nodes = self.pair()
        for node in nodes:
            self._with_secret(node, "correct horse battery staple")
        nodes.start()
        with nodes.a.client() as client:
            client.set(b"k", b"v")
        nodes.wait_until_equal([b"k"])

    def test_a_wrong_secret_gets_no_data(self):
        nodes = self.pair()
        self._with_secret(nodes.a, "correct horse battery staple")
        self._with_secret(nodes.b, "something else altogether")
        nodes.launch()
        for node in nodes:
            node.wait_until_open(8)  # both go on alone
        with nodes.a.client() as on_a, nodes.b.client() as on_b:
            on_a.set(b"k", b"v")
            self.assertFalse(nodes.is_linked())
            self.assertIsNone(on_b.get(b"k"))


if __name__ == "__main__":
    main()

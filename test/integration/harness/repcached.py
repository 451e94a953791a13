"""A stand-in for repcached 2.2.1 and 2.3.1: the link as it was captured, habits included.

Its clients speak enough of the text protocol to set, read, count, delete and flush. What it says
and how it errs on the link, by version:

    both     connects (-x) or listens, never both; accepts one peer and closes the port; the one that
             accepts dumps at once, the one that connects is silent and opens its client port behind
             the dump's end; a lost link is listened for, never called again; flags with a sign; an
             eviction is a delete; no answer, whatever it hears
    2.2.1    a batch leaves in reverse order; the lines of a value that does not fit are executed
    2.3.1    an item with negative flags is dropped; a timed delete is ignored; a value that does not
             fit resets the link; what binary clients store is not told
"""
import collections
import contextlib
import socket
import struct
import threading
import time

Item = collections.namedtuple("Item", "value flags exptime cas")
ITEM_LIMIT = 1 << 20
TIME_LIMIT = 1 << 31


def _item_size(key, flags, size):
    """As both lay it out: header, CAS unique, key, a zero, the suffix, and the value with its line's end."""
    return 48 + 8 + len(key) + 1 + len(b" %d %d\r\n" % (_signed(flags), size)) + size + 2


def _signed(flags):
    return flags - (1 << 32) if flags >= 1 << 31 else flags


class _Lines:
    """Lines and blocks of a socket. None: it is over."""

    def __init__(self, link):
        self._socket = link
        self._unread = b""

    def _fill(self):
        try:
            more = self._socket.recv(1 << 16)
        except OSError:
            return False
        self._unread += more
        return bool(more)

    def line(self):
        while b"\n" not in self._unread:
            if not self._fill():
                return None
        line, self._unread = self._unread.split(b"\n", 1)
        return line.removesuffix(b"\r")

    def block(self, size):
        while len(self._unread) < size + 2:
            if not self._fill():
                return None
        block, self._unread = self._unread[:size], self._unread[size + 2:]
        return block


class Repcached:
    def __init__(self, version, host, client_port, link_port, peer=None):
        self.version = version
        self.address = (host, client_port)
        self.link_address = (host, link_port)
        self.peer = peer  # the address that it is told to dial (-x), or None
        self.items = {}
        self.dumps_sent = 0
        self.heard = collections.Counter()  # verbs on the link
        self._lock = threading.RLock()
        self._counter = 0
        self._queue = []
        self._news = threading.Condition(self._lock)
        self._link = None
        self._sockets = set()
        self._is_running = False
        self._is_open = False
        self.skew = 0  # of its wall clock, seconds

    # --- its life --------------------------------------------------------------------------------

    def start(self):
        self._is_running = True
        self._spawn(self._begin)
        return self

    def kill(self):
        """As kill -9: all is lost, and every connection ends at once."""
        with self._lock:
            self._is_running = self._is_open = False
            sockets, self._sockets = self._sockets, set()
            self._link = None
            self._queue.clear()
            self.items = {}
            self._news.notify_all()
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def is_open(self):
        return self._is_open

    def is_linked(self):
        return self._link is not None

    def now(self):
        return int(time.time()) + self.skew

    def lose_link(self, resets=False):
        """The link fails from this side."""
        link = self._link
        if link is None:
            return
        if resets:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _spawn(target, *arguments):
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _keep(self, one):
        with self._lock:
            if not self._is_running:
                one.close()
                return False
            self._sockets.add(one)
            return True

    def _drop(self, one):
        with self._lock:
            self._sockets.discard(one)
        one.close()

    def _begin(self):
        if self.peer is not None:
            link = socket.socket()
            link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            link.bind((self.link_address[0], 0))
            try:
                link.connect((self.peer, self.link_address[1]))
            except OSError:
                link.close()
            else:
                if self._keep(link):
                    self._serve_link(link, dumps=False)
                return
        self._open_clients()
        self._listen()

    def _listener(self, address):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        return listener if self._keep(listener) else None

    def _listen(self):
        """For one peer; the port is closed as soon as there is one."""
        listener = self._listener(self.link_address)
        if listener is None:
            return
        try:
            link, _ = listener.accept()
        except OSError:
            return
        finally:
            self._drop(listener)
        if self._keep(link):
            self._serve_link(link, dumps=True)

    # --- the link --------------------------------------------------------------------------------

    def _serve_link(self, link, dumps):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._queue.clear()
            self._link = link
            keys = list(self.items) if dumps else []
        self._spawn(self._tell, link, keys, dumps)
        self._hear(link)
        with self._lock:
            self._link = None
            self._queue.clear()
            self._news.notify_all()
            goes_on = self._is_running
        self._drop(link)
        if goes_on:
            self._open_clients()
            self._listen()

    def _upsert(self, key):
        item = self.items.get(key)
        if item is None:
            return None
        head = b"rep %s %d %d %d %d\r\n" % (key, _signed(item.flags), item.exptime,
                                            len(item.value), item.cas % (1 << 32))
        return head + item.value + b"\r\n"

    def _tell(self, link, keys, dumps):
        """The dump, a few keys at a turn, and between them what clients change."""
        try:
            while True:
                with self._lock:
                    while self._link is link and not self._queue and not keys and not dumps:
                        self._news.wait()
                    if self._link is not link:
                        return
                    batch, self._queue = self._queue, []
                    frames = [self._frame(*change) for change in batch]
                    if self.version == "2.2.1":
                        frames.reverse()
                    for key in keys[:10]:
                        frames.append(self._upsert(key) or b"")
                    del keys[:10]
                    if dumps and not keys:
                        dumps = False
                        self.dumps_sent += 1
                        frames.append(b"marugoto_end\r\n")
                link.sendall(b"".join(frames))
        except OSError:
            self.lose_link()

    def _frame(self, verb, key):
        """The value at the moment that the queue is drained."""
        if verb == b"rep":
            return self._upsert(key) or b"delete %s\r\n" % key
        return b"%s %s\r\n" % (verb, key)

    def _hear(self, link):
        lines = _Lines(link)
        while (line := lines.line()) is not None:
            words = line.split()
            verb = words[0] if words else b""
            with self._lock:
                self.heard[bytes(verb[:20])] += 1
            if verb == b"rep" and len(words) == 6:
                if not self._hear_upsert(words, lines):
                    self.lose_link(resets=True)
                    return
            elif verb == b"marugoto_end":
                self._open_clients()
            else:
                self._execute_told(verb, words)

    def _hear_upsert(self, words, lines):
        """False: the link is reset."""
        key, flags, exptime, size, cas = words[1], *map(int, words[2:])
        if _item_size(key, flags, size) > ITEM_LIMIT:
            return self.version == "2.2.1"  # which goes on with the value's lines
        value = lines.block(size)
        if value is None:
            return True
        if flags < 0 and self.version == "2.3.1":
            return True
        with self._lock:
            if self.version == "2.3.1" and exptime >= TIME_LIMIT:
                exptime = 1  # read into 32 bits with a sign: it has passed
            if 0 < exptime <= self.now():
                self.items.pop(key, None)
            else:
                self.items[key] = Item(value, flags % (1 << 32), exptime, cas)
        return True

    def _execute_told(self, verb, words):
        with self._lock:
            if verb == b"delete" and (len(words) == 2 or self.version == "2.2.1"):
                self.items.pop(words[1], None)
            elif verb == b"flush_all":
                self._flush(words[1:])

    def _flush(self, at):
        if at and int(at[0]) > self.now():
            timer = threading.Timer(int(at[0]) - self.now(), self.items.clear)
            timer.daemon = True
            timer.start()
        else:
            self.items.clear()

    def _change(self, verb, key=b""):
        """REQUIRES: the lock."""
        if self._link is not None:
            self._queue.append((verb, key))
            self._news.notify_all()

    # --- what its clients, and memory, do --------------------------------------------------------

    def _store(self, key, value, flags=0, exptime=0, tells=True):
        self._counter += 1
        self.items[key] = Item(value, flags, exptime, self._counter)
        if tells:
            self._change(b"rep", key)

    def store_by_binary_protocol(self, key, value):
        """2.3.1 alone has it, and tells nobody."""
        with self._lock:
            self._store(key, value, tells=False)

    def evict(self, key):
        with self._lock:
            if self.items.pop(key, None) is not None:
                self._change(b"delete", key)

    def fill(self, items):
        """Items that were there before anybody looked: {key: (value, flags)}."""
        with self._lock:
            for key, (value, flags) in items.items():
                self._store(key, value, flags, tells=False)

    def _open_clients(self):
        with self._lock:
            if self._is_open or not self._is_running:
                return
            listener = self._listener(self.address)
            self._is_open = listener is not None
        self._spawn(self._accept_clients, listener)

    def _accept_clients(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self._keep(client):
                self._spawn(self._serve_client, client)

    def _serve_client(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = _Lines(client)
        try:
            while (line := lines.line()) is not None:
                words = line.split()
                value = lines.block(int(words[4])) if words[0] == b"set" else None
                with self._lock:
                    if not self._is_running:
                        return
                    # What a client has pipelined is one batch.
                    answer = self._answer(words, value)
                    while b"\n" in lines._unread and answer is not None:
                        words = lines.line().split()
                        value = lines.block(int(words[4])) if words[0] == b"set" else None
                        answer += self._answer(words, value)
                client.sendall(answer)
        except OSError:
            pass
        finally:
            self._drop(client)

    def _answer(self, words, value):
        verb, key = words[0], words[1] if len(words) > 1 else b""
        if verb == b"set":
            exptime = int(words[3])
            self._store(key, value, int(words[2]), self.now() + exptime if exptime else 0)
            return b"STORED\r\n"
        if verb in (b"get", b"gets"):
            found = b""
            for one in words[1:]:
                if (item := self.items.get(one)) is not None:
                    cas = b" %d" % item.cas if verb == b"gets" else b""
                    found += b"VALUE %s %d %d%s\r\n%s\r\n" % (one, item.flags, len(item.value),
                                                              cas, item.value)
            return found + b"END\r\n"
        if verb == b"delete":
            if self.items.pop(key, None) is None:
                return b"NOT_FOUND\r\n"
            self._change(b"delete", key)
            return b"DELETED\r\n"
        if verb == b"incr":
            item = self.items.get(key)
            if item is None:
                return b"NOT_FOUND\r\n"
            number = b"%d" % (int(item.value) + int(words[2]))
            self._store(key, number, item.flags, item.exptime)
            return number + b"\r\n"
        if verb == b"flush_all":
            self._flush([b"%d" % (self.now() + int(key))] if key else [])
            self._change(b"flush_all", b"%d" % (self.now() + int(key)) if key else b"")
            return b"OK\r\n"
        return b"ERROR\r\n"

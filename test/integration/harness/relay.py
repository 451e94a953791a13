"""A TCP relay between two nodes: a link that can be cut, black-holed, slowed and healed.

It owns a thread and is driven from the test's. It listens on `front` and forwards to `back`,
dialling from the source address that `back` expects its peer to have."""
import selectors
import socket
import threading
import time


class _Half:
    """One direction of one connection: what came from `source` and `target` has not taken yet."""

    def __init__(self, source, target):
        self.source = source
        self.target = target
        self.chunks = []  # (due time, bytes)


class Relay:
    CHUNK = 1 << 16
    HELD_CHUNKS = 256  # at most this many chunks of a direction; then the source has to wait

    def __init__(self, front, back, source=""):
        """`back` is an address, or the path of a unix socket."""
        self._back = back
        self._source = source
        self._listener = socket.create_server(front, backlog=16)
        self._listener.setblocking(False)
        self._halves = []
        self._is_cut = False
        self._is_black_hole = False
        self._delay = 0.0
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # --- what a test does to the link ----------------------------------------------------------

    def cut(self):
        """Resets every connection and accepts no new one until `heal`."""
        with self._lock:
            self._is_cut = True
            self._reset_all()

    def black_hole(self):
        """Nothing passes any more and nobody is told, as with a pulled cable."""
        with self._lock:
            self._is_black_hole = True

    def heal(self):
        with self._lock:
            if self._is_black_hole:
                # What was in the hole is lost, and a stream that lost bytes is not a stream.
                self._reset_all()
            self._is_cut = self._is_black_hole = False

    def delay(self, seconds):
        """Every chunk arrives this much later than it was sent."""
        with self._lock:
            self._delay = seconds

    def stop(self):
        self._stopping = True
        self._thread.join()
        with self._lock:
            self._reset_all()
        self._listener.close()

    # --- the thread ----------------------------------------------------------------------------

    def _run(self):
        while not self._stopping:
            with self._lock:
                moved = self._accept() | self._move()
            if not moved:
                self._wait()

    def _wait(self):
        """Until a socket can be read or written, or a delayed chunk may be due."""
        if self._is_black_hole or self._is_cut:
            time.sleep(0.002)
            return
        selector = selectors.DefaultSelector()
        wanted = {self._listener: selectors.EVENT_READ}
        for half in list(self._halves):
            if len(half.chunks) < self.HELD_CHUNKS:
                wanted[half.source] = wanted.get(half.source, 0) | selectors.EVENT_READ
            if half.chunks and half.chunks[0][0] <= time.monotonic():
                wanted[half.target] = wanted.get(half.target, 0) | selectors.EVENT_WRITE
        try:
            for end, events in wanted.items():
                selector.register(end, events)
            selector.select(0.002)
        except (ValueError, KeyError, OSError):
            pass  # a connection was reset from the test's thread meanwhile
        finally:
            selector.close()

    def _accept(self):
        if self._is_black_hole:
            return False  # the kernel's backlog answers the SYN, nobody the rest
        try:
            inner, _ = self._listener.accept()
        except BlockingIOError:
            return False
        if self._is_cut:
            self._reset(inner)
            return True
        try:
            outer = self._dial()
        except OSError:
            self._reset(inner)
            return True
        for end in (inner, outer):
            end.setblocking(False)
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._halves += [_Half(inner, outer), _Half(outer, inner)]
        return True

    def _dial(self):
        if not isinstance(self._back, str):
            return socket.create_connection(self._back, 1, (self._source, 0))
        outer = socket.socket(socket.AF_UNIX)
        outer.connect(self._back)
        return outer

    def _move(self):
        if self._is_black_hole:
            return False
        moved = False
        for half in list(self._halves):
            if half not in self._halves:
                continue  # its other direction has ended both
            try:
                moved |= self._take(half) | self._give(half)
            except OSError:
                self._end(half)
                moved = True
        return moved

    def _take(self, half):
        if len(half.chunks) >= self.HELD_CHUNKS:
            return False
        try:
            data = half.source.recv(self.CHUNK)
        except BlockingIOError:
            return False
        if not data:
            raise ConnectionResetError
        half.chunks.append((time.monotonic() + self._delay, data))
        return True

    def _give(self, half):
        if not half.chunks or half.chunks[0][0] > time.monotonic():
            return False
        due, data = half.chunks.pop(0)
        try:
            sent = half.target.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            half.chunks.insert(0, (due, data[sent:]))
        return sent > 0

    def _end(self, half):
        """One side has closed: what it still sent is delivered, then the other side closes too."""
        for other in [other for other in self._halves if other.source is half.source
                      or other.source is half.target]:
            self._halves.remove(other)
        try:
            half.target.setblocking(True)
            half.target.settimeout(1)
            for _, data in half.chunks:
                half.target.sendall(data)
        except OSError:
            pass
        half.source.close()
        half.target.close()

    def _reset_all(self):
        for half in self._halves:
            self._reset(half.source)
        self._halves = []

    @staticmethod
    def _reset(end):
        """Closes with a RST."""
        try:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.close()
        except OSError:
            pass

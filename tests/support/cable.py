"""A TCP line to a server that breaks or dawdles when a test says so."""

import socket
import threading
import time
from contextlib import suppress


class Cable:
    """A line to a port of this machine.

    Attributes:
        port: Where to connect to.
        break_at: Breaks once, at the first request with these bytes.
        deliver: Whether the server still gets that request.
        delay_seconds: How long every reply is kept back.
        breaks: How often it broke.
    """

    def __init__(self, port):
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.break_at, self.deliver, self.delay_seconds = None, False, 0.0
        self.breaks = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._forward, args=(near, far), daemon=True).start()
                threading.Thread(target=self._return, args=(far, near), daemon=True).start()

    def _forward(self, near, far):
        with suppress(OSError):
            while data := near.recv(1 << 20):
                broken = self.break_at is not None and self.break_at in data
                if broken:
                    self.break_at = None
                    self.breaks += 1
                    near.shutdown(socket.SHUT_RDWR)
                if self.deliver or not broken:
                    far.sendall(data)
        with suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _return(self, far, near):
        with suppress(OSError):
            while data := far.recv(1 << 20):
                time.sleep(self.delay_seconds)
                near.sendall(data)
        near.close()
        far.close()

    def close(self):
        self._listening.close()

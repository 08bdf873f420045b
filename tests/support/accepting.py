"""A port of this machine whose connections a thread takes."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Accepting:
    """Hands each connection, with its client's port, to `serve`, until it is closed."""

    def __init__(self, serve: Callable[[socket.socket, int], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, args=(serve,), name=f"proxy {self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake the thread
        self._thread.join()
        self._listener.close()

    def _accept(self, serve: Callable[[socket.socket, int], None]) -> None:
        with suppress(OSError):
            while True:
                client, (_, port) = self._listener.accept()
                serve(client, port)

"""A TCP proxy that loses what it is told to lose: a request, the reply to one, or everything from now on."""

import select
import socket
import threading
import time
from contextlib import suppress
from typing import Self

SIZE = 1 << 16


class Proxy:
    """Between clients and a server: passes all on both ways, until it is told otherwise.

    What is lost ends its connection; ``silent`` ends none, and answers nothing.
    """

    def __init__(self, host: str, port: int) -> None:
        self.server = host, port
        self.silent = False
        self.lost = 0  # requests, and replies
        self._lose: tuple[str, bytes, bytes, bool] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._over = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def lose_request(self, having: bytes) -> None:
        """The next that has these bytes in it does not come to the server."""
        self._lose = "request", having, b"", False

    def lose_reply(self, having: bytes, ending: bytes = b"", *, hang: bool = False) -> None:
        """The next request that has these bytes comes to the server; its reply, up to ``ending``, not to the client.

        ``hang``: its connection is not ended by that, and falls silent.
        """
        self._lose = "reply", having, ending, hang

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._over:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self.server) as server, suppress(OSError):
            losing: tuple[bytes, bool] | None = None  # the end of a reply, and whether to hang after it
            reply, hangs = b"", False
            while not self._over:
                if self.silent or hangs:  # what comes is left where it is
                    time.sleep(0.01)
                    continue
                for side in select.select([client, server], [], [], 0.05)[0]:
                    data = side.recv(SIZE)
                    if not data:
                        return
                    if side is server and losing:
                        reply += data
                        if not reply.endswith(losing[0]):
                            continue
                        self.lost += 1
                        if not losing[1]:
                            return
                        hangs = True
                        continue
                    if side is client and self._lose and self._lose[1] in data:
                        what, _, *losing_it = self._lose
                        self._lose = None
                        if what == "request":
                            self.lost += 1
                            return
                        losing = (losing_it[0], losing_it[1])
                    (client if side is server else server).sendall(data)

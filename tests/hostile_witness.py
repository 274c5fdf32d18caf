"""A server that answers a witness's client with whatever it is given.

with giving(reply("200 OK", b"garbage")) as url:
    ...
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 120.0
SIZE = "text/x.tlog.size"
_END = b"\n\n\xe2\x80\x94"
"""Where a checkpoint's signatures begin; a request has come when they have."""


def reply(status: str, body: bytes, media_type: str = "text/plain", more: str = "") -> bytes:
    """An HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@contextmanager
def giving(*answers: bytes, heard: list[bytes] | None = None) -> Iterator[str]:
    """The URL of a server that gives these answers, one a connection, and then the last one again.

    Args:
        answers: raw bytes; an empty one hangs up.
        heard: gets the bytes of each request.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        ended = threading.Event()

        def serve() -> None:
            left = list(answers)
            while True:
                with listening.accept()[0] as connection:
                    if ended.is_set():
                        return
                    request = b""
                    while _END not in request:
                        request += connection.recv(65536)
                    if heard is not None:
                        heard.append(request)
                    connection.sendall(left.pop(0) if len(left) > 1 else left[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def end() -> None:
            ended.set()
            with socket.create_connection(listening.getsockname(), timeout=WAIT_S):
                pass
            thread.join(WAIT_S)

        stack.callback(end)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"

"""A small real proxy on loopback before an OpenSearch node, which answers wrongly on demand."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[["Handler", int, bytes], None]
"""Answers a request the node answered with this status and body."""


class Handler(BaseHTTPRequestHandler):
    """Passes a request on, or lets the fault of the moment answer it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        fault = self.server.next_fault(self.path)
        if fault is not None and fault in BEFORE:
            fault(self, 0, b"")
            return
        connection = HTTPConnection(self.server.node.hostname or "", self.server.node.port, timeout=60)
        try:
            kept = {name: self.headers[name] for name in ("content-type",) if name in self.headers}
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        finally:
            connection.close()
        (fault or plain)(self, status, content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_any  # noqa: N815  (names of http.server)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The proxy; ``fault`` answers until it is taken away, ``faults`` once each, before that."""

    daemon_threads = True

    def __init__(self, node: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.node = urlsplit(node)
        self.fault: Fault | None = None
        self.faults: list[Fault] = []
        self.only = ""
        """The part of a path that is answered wrongly; everything, unless set."""
        self.asked: list[str] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_fault(self, path: str) -> Fault | None:
        with self._lock:
            if self.only not in path:
                return None
            return self.faults.pop(0) if self.faults else self.fault

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients that give up are what is tested."""


@contextmanager
def proxy_of(node: str, port: int = 0) -> Iterator[Server]:
    """Run a proxy before ``node``."""
    server = Server(node, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(handler: Handler, status: int, body: bytes, kind: str = "application/json") -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def plain(handler: Handler, status: int, body: bytes) -> None:
    """Answer what the node answered."""
    answer(handler, status, body)


def slow(handler: Handler, status: int, body: bytes) -> None:
    """Answer after five seconds."""
    time.sleep(5)
    answer(handler, status, body)


def drip(handler: Handler, status: int, body: bytes) -> None:
    """Answer byte by byte: no single read takes long, the whole takes for ever."""
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    for byte in body:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.1)


def reset(handler: Handler, status: int, body: bytes) -> None:
    """End in the middle of the body, by a reset."""
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RD)


def hang_up(handler: Handler, *_: Any) -> None:
    """Close without an answer."""
    handler.close_connection = True


def no_json(handler: Handler, status: int, body: bytes) -> None:
    """Answer the beginning of what was to be said, as if it were all."""
    answer(handler, status, body[: len(body) // 2])


def a_page(handler: Handler, *_: Any) -> None:
    """Answer as a proxy's error page does, with 200."""
    answer(handler, 200, b"<html>Bad gateway</html>", "text/html")


def a_list(handler: Handler, *_: Any) -> None:
    """Answer JSON of another shape."""
    answer(handler, 200, b"[]")


def partial(handler: Handler, _: int, body: bytes) -> None:
    """Answer what some shards found."""
    told = json.loads(body)
    told["_shards"] = {"total": 2, "successful": 1, "skipped": 0, "failed": 1}
    answer(handler, 200, json.dumps(told).encode())


def timed_out(handler: Handler, _: int, body: bytes) -> None:
    """Answer what was found before time was up."""
    answer(handler, 200, json.dumps(json.loads(body) | {"timed_out": True}).encode())


def busy(handler: Handler, *_: Any) -> None:
    """Refuse for having too much to do."""
    body = {"error": {"type": "rejected_execution_exception"}, "status": 429}
    answer(handler, 429, json.dumps(body).encode())


def broken(handler: Handler, *_: Any) -> None:
    """Answer 500 with a list, which no error of the engine is."""
    answer(handler, 500, b"[1]")


BEFORE = (hang_up, a_page, a_list, busy, broken)
"""Faults that do not ask the node."""
EVERY = (slow, drip, reset, hang_up, no_json, a_page, a_list, partial, timed_out, busy, broken)

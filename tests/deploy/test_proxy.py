"""deploy/proxy/nginx.conf, in a real nginx before a server that tells what it was sent."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT
from tests.servers import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HOST = "talents.example"
OPTIONS = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
"""Where the tests run as root, their folders are closed to nginx's own user."""

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx here")


class Telling(BaseHTTPRequestHandler):
    """Answers with the request's headers."""

    def do_GET(self) -> None:
        body = json.dumps([self.path, *map(list, self.headers.items())]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Proxy:
    """The committed configuration with the ports, the certificate and the web server of a test."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        self.plain, self.tls, self.health, self.web = free_port(), free_port(), free_port(), free_port()
        text = (ROOT / "deploy/proxy/nginx.conf").read_text(encoding="utf-8")
        for theirs, ours in {
            "/tmp/": f"{folder}/", "/run/secrets": str(secrets), "error_log /dev/stderr": "error_log stderr",
            "listen 8080": f"listen 127.0.0.1:{self.plain}", "listen 8443": f"listen 127.0.0.1:{self.tls}",
            "127.0.0.1:8081": f"127.0.0.1:{self.health}", "web:8000": f"127.0.0.1:{self.web}",
        }.items():  # fmt: skip
            assert theirs in text
            text = text.replace(theirs, ours)
        configuration = folder / "nginx.conf"
        configuration.write_text(text, encoding="utf-8")
        self._context = ssl.create_default_context(cafile=secrets / "authority")
        assert NGINX is not None
        self.process = subprocess.Popen(
            [NGINX, "-p", folder, "-c", configuration, "-e", "stderr", "-g", OPTIONS],
            stderr=subprocess.PIPE,
        )

    def wait(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(self.process.communicate()[1].decode())
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.health)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("nginx does not listen")

    def ask(
        self, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[HTTPResponse, bytes]:
        """Ask over TLS, by the public name, with the certificate checked."""
        connection = HTTPSConnection("127.0.0.1", self.tls, context=self._context, timeout=20)
        raw = socket.create_connection(("127.0.0.1", self.tls), timeout=20)
        connection.sock = self._context.wrap_socket(raw, server_hostname=HOST)
        return answered(connection, path, {"Host": HOST, **(headers or {})}, body)


def answered(
    connection: HTTPConnection, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[HTTPResponse, bytes]:
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


@pytest.fixture
def proxy(tmp_path: Path, prepared: Path) -> Iterator[Proxy]:
    tmp_path.chmod(0o755)
    proxy = Proxy(tmp_path, prepared / "deploy/secrets")
    try:
        proxy.wait()
        yield proxy
    finally:
        proxy.process.terminate()
        proxy.process.communicate(timeout=20)


@pytest.fixture
def web(proxy: Proxy) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", proxy.web), Telling)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.usefixtures("web")
def test_what_the_client_claims_about_itself_is_replaced(proxy: Proxy) -> None:
    """R-03: the service gets the one address the proxy saw, and the Host the client used."""
    claims = {
        "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http",
        "Forwarded": "for=192.0.2.7", "X-Real-IP": "192.0.2.7",
    }  # fmt: skip
    answer, body = proxy.ask("/a%2Fb?q=%C3%A9", claims)
    assert answer.status == 200
    path, *headers = json.loads(body)
    assert path == "/a%2Fb?q=%C3%A9"  # as the client wrote it
    told = [(name.lower(), value) for name, value in headers]
    assert [value for name, value in told if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert [value for name, value in told if name == "x-forwarded-proto"] == ["https"]
    assert [value for name, value in told if name == "host"] == [HOST]
    assert not {"x-forwarded-host", "forwarded", "x-real-ip"} & {name for name, _ in told}


@pytest.mark.usefixtures("web")
def test_a_cv_passes_and_more_does_not(proxy: Proxy) -> None:
    """C4: a file of 5 MiB in its form gets to the service; what is far beyond is refused here."""
    assert proxy.ask("/", body=bytes(5 * 1024 * 1024 + 4096))[0].status == 200
    assert proxy.ask("/", {"Content-Length": str(7 * 1024 * 1024)}, b"x")[0].status == 413


@pytest.mark.usefixtures("web")
def test_metrics_are_not_for_the_public(proxy: Proxy) -> None:
    """O-03: what is measured is asked for inside."""
    assert proxy.ask("/metrics")[0].status == 404
    assert proxy.ask("/livez")[0].status == 200


def test_plain_http_leads_to_tls(proxy: Proxy) -> None:
    """Nothing is answered without TLS but where to find it, with method and path kept."""
    connection = HTTPConnection("127.0.0.1", proxy.plain, timeout=20)
    answer, _ = answered(connection, "/x?y=1", {"Host": HOST})
    assert (answer.status, answer.headers["location"]) == (308, f"https://{HOST}/x?y=1")


def test_old_protocols_are_refused(proxy: Proxy) -> None:
    """TLS 1.2 or later."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", proxy.tls), timeout=20) as raw,
        context.wrap_socket(raw) as connection,
    ):
        assert connection.version() == "TLSv1.2"
    text = (ROOT / "deploy/proxy/nginx.conf").read_text(encoding="utf-8")
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in text


def test_without_a_web_process_it_says_when_to_come_back(proxy: Proxy) -> None:
    """503 with Retry-After, not an error of its own; and it is healthy itself."""
    answer, _ = proxy.ask("/candidate")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    own, _ = answered(HTTPConnection("127.0.0.1", proxy.health, timeout=20), "/health", {})
    assert own.status == 204

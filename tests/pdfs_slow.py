"""Text readers that misbehave, found by name in the limited process."""

from __future__ import annotations

import ctypes
import socket
import subprocess
import sys
import time
from pathlib import Path


def never(_content, _numbers):
    while True:
        pass


def memory(_content, _numbers):
    return [bytes(1 << 28) for _ in range(8)]


def wait(_content, _numbers):
    time.sleep(60)


def write(_content, _numbers):
    Path("/tmp/marketplace-limited-test").write_bytes(b"x")


def connect(_content, _numbers):
    socket.create_connection(("127.0.0.1", 1), timeout=1)


def spawn(_content, _numbers):
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def crash(_content, _numbers):
    ctypes.string_at(0)


def shout(_content, _numbers):
    with open(1, "wb", closefd=False) as target:
        while True:
            target.write(bytes(1 << 20))

"""The program of the limited process. Run as a file, never imported by the product.

    python -I -B child.py FOLDER...              one job: request on stdin, answer on stdout
    python -I -B child.py --serve FD READER FOLDER...
                                                 a fork server: for each message on the socket FD, which
                                                 brings two pipe ends, a forked child does one job; the
                                                 text reader, a dotted name, is loaded before

``-I`` keeps the environment, the working directory and the user's site folder out, so the folders
that hold our packages are handed over as arguments and appended to the path: after the standard
library and the installed packages, so that nothing in them can shadow those.

The limits are set by the process on itself before the first byte of the PDF is looked at, and it
cannot raise them again. The kernel ends it on each: memory, CPU time, wall time (SIGALRM with its
default action), files written, files open. An audit hook refuses sockets, processes and writing.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import resource
import signal
import socket
import sys
from typing import Any

STARTED = b"+"
"""Sent once limits and libraries are in place: what fails after it is the file's fault, not ours."""

_REFUSED_EVENTS = (
    "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.system", "os.kill",
    "ctypes.dlopen",
)  # fmt: skip


def limit(seconds: float, cpu_seconds: int, memory_mib: int) -> None:
    """Bind this process for good."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    memory = memory_mib * 1024 * 1024
    for name, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (value, value))


def _forbid(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = args
        if isinstance(path, int):
            return  # a descriptor that is open already
        if flags & (os.O_WRONLY | os.O_RDWR) or any(letter in (mode or "") for letter in "wax+"):
            raise PermissionError("writing is not allowed here")
    elif event.startswith(_REFUSED_EVENTS):
        raise PermissionError(f"{event} is not allowed here")


def preload(text_reader: str) -> None:
    """Import what every job needs."""
    import marketplace.pdf.jobs  # noqa: F401

    if text_reader:
        pkgutil.resolve_name(text_reader)


def work(request_fd: int, answer_fd: int) -> None:
    """Do the one job that comes in on ``request_fd``."""
    import msgspec

    from marketplace.pdf.results import Request

    with os.fdopen(request_fd, "rb") as source:
        request = msgspec.msgpack.decode(source.read(), type=Request)
    limit(request.seconds, request.cpu_seconds, request.memory_mib)
    preload(request.text_reader)
    from marketplace.pdf import jobs

    if request.marking is not None:
        import marketplace.pdf.marking  # noqa: F401 - fonts and reportlab are found before the hook is set
    sys.addaudithook(_forbid)
    os.write(answer_fd, STARTED)
    result: Any
    if request.marking is not None:
        result = jobs.mark(request.content, request.marking)
    elif request.job == "extract":
        result = jobs.extract(request.content, request.numbers, request.text_reader)
    else:
        result = jobs.check(request.content, request.numbers)
    with os.fdopen(answer_fd, "wb") as target:
        target.write(msgspec.msgpack.encode(result))


def serve(channel: socket.socket, text_reader: str) -> None:
    """Fork a child for each job until the other end of ``channel`` is closed."""
    preload(text_reader)
    import marketplace.pdf.marking  # noqa: F401 - fonts and reportlab are found before the hook is set

    gc.freeze()  # the collector of a child need not touch, and so copy, what was loaded here
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; no child is left behind
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(channel, 1, 2)
        if not message:
            return
        if os.fork() == 0:
            code = 1
            try:
                channel.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.setsid()
                work(*descriptors)
                code = 0
            except BaseException:  # noqa: BLE001, S110 - the missing answer tells; no trace with CV text in a log
                pass
            os._exit(code)
        for descriptor in descriptors:
            os.close(descriptor)


def main(arguments: list[str]) -> None:
    """Read the command line given in the module's docstring."""
    if arguments[0] == "--serve":
        sys.path.extend(arguments[3:])
        serve(socket.socket(fileno=int(arguments[1])), arguments[2])
    else:
        sys.path.extend(arguments)
        work(sys.stdin.fileno(), os.dup(sys.stdout.fileno()))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Become another program that dies with its parent; run as a script, never imported.

``python -I -S child_exec.py SIGNAL PARENT IDENTITY PROGRAM [ARGUMENT...]``

* SIGNAL is what the kernel sends the program when its parent dies, even by ``kill -9``.
* PARENT is the parent's pid: a parent that died before the signal was armed is noticed.
* IDENTITY is ``same``; ``namespace`` (root only: a user namespace in which root's files belong to
  "nobody", so that a server that refuses to run as root does, without a user being created or a
  permission changed); or ``UID:GID``.

``probe`` as PROGRAM only says by its exit code whether the identity can be taken. Doing this in a
fresh interpreter instead of ``preexec_fn`` keeps it safe in a parent that has threads.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
CANNOT = 77
NOBODY = 65534


def enter_namespace() -> None:
    """Map "nobody" inside a new user namespace to the caller outside it."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1", encoding="ascii")


def take_identity(identity: str) -> None:
    """Become who ``identity`` says."""
    if identity == "namespace":
        enter_namespace()
    elif identity != "same":
        user, group = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)


def main() -> None:
    signal_number, parent, identity, *command = sys.argv[1:]
    try:
        take_identity(identity)
    except OSError as error:
        sys.stderr.write(f"cannot become {identity}: {error}\n")
        sys.exit(CANNOT)
    if command == ["probe"]:
        return
    if sys.platform == "linux":
        # After the identity: a change of credentials clears the signal again.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the parent is gone")
    os.execv(command[0], command)  # noqa: S606  (becoming the program is the point)


if __name__ == "__main__":
    main()

"""What an answer tells of the quotas that were counted for its request (rules E1).

The edge opens a list for each request; what counts an act, in whatever thread of the request, notes
how the quota stands. Where nobody listens (worker, command line) a note is dropped.
"""

from __future__ import annotations

from contextvars import ContextVar

from marketplace.rate_limits.port import Standing

_noted: ContextVar[list[Standing] | None] = ContextVar("quota_standings", default=None)


def listen() -> list[Standing]:
    """Return the list the standings of this request come into."""
    heard: list[Standing] = []
    _noted.set(heard)
    return heard


def note(standing: Standing) -> None:
    """Tell how a quota stands after an act was counted."""
    heard = _noted.get()
    if heard is not None:
        heard.append(standing)

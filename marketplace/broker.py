"""The Redis transport of Celery's messaging library, able to outlive its broker.

In kombu 5.7 a channel whose connection was lost and given up is still asked to put messages back, or to
acknowledge those that were being worked on. It then looks for the address of a connection that is no
more, which ends the worker with ``AttributeError`` (measured: whenever the broker stops under a busy
worker). Here it says that the connection is lost, which everybody who asks is ready for. Messages that
could not be put back return after the visibility timeout, and the sweeps come before that.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as transport
from redis.exceptions import ConnectionError as LostConnectionError


class Channel(transport.Channel):
    """A channel that knows when its connection is gone."""

    def _connparams(self, *arguments: Any, **named: Any) -> Any:
        if self.connection is None or self.connection.client is None:
            raise LostConnectionError("the connection of this channel was given up")
        return super()._connparams(*arguments, **named)  # type: ignore[no-untyped-call]


class Transport(transport.Transport):
    """The transport of ``redis://`` and ``rediss://`` once :func:`register` was called."""

    Channel = Channel


def register() -> None:
    """Have kombu use :class:`Transport`; RabbitMQ and others stay as they are."""
    name = f"{Transport.__module__}:{Transport.__qualname__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)

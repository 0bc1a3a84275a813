"""The sweep of what time alone ends: thin, safe to run twice, nothing lost when it does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from marketplace.accounts import suspension
from marketplace.moderation.services import reinstate_if_due

if TYPE_CHECKING:
    from marketplace.ports import Ports

log = structlog.get_logger()

BATCH = 200
"""Members of one run; the next one, seconds later, goes on with the rest."""


def reinstate_due(ports: Ports) -> int:
    """Reinstate whose suspension has run out, each in a transaction of their own; return how many (E5).

    One that fails is logged, tried again by the next run, and keeps nobody else waiting.
    """
    now = ports.clock.now()
    with ports.db.reading() as session:
        waiting = suspension.due(session, now, BATCH)
    reinstated = 0
    for account_id in waiting:
        try:
            with ports.db.transaction() as session:
                reinstated += reinstate_if_due(session, now, ports.settings, account_id)
        except Exception as error:
            log.exception("sanctions.not_ended", account_id=str(account_id), error=type(error).__name__)
    return reinstated

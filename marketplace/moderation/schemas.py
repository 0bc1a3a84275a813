"""What the JSON routes of sanctions give and take; unknown fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from marketplace.moderation.queries import SanctionView

Instant = Annotated[datetime, Meta(tz=True)]


class StatementOut(msgspec.Struct, kw_only=True):
    """A statement of reasons, as its member reads it: without the names of those who decided."""

    id: UUID
    kind: str
    starts_at: datetime
    until: datetime | None
    """Exclusive; null: for good."""
    clause: str
    facts: str
    reason: str
    is_automated: bool
    lifted_at: datetime | None
    lift_reason: str | None
    is_in_force: bool


class SanctionOut(StatementOut, kw_only=True):
    """The same as admins read it."""

    decided_by: str | None
    lifted_by: str | None
    state_before: str


class SanctionsOut(msgspec.Struct, kw_only=True):
    """The history of one member, newest first, with the state the member is in now."""

    state: str
    items: list[SanctionOut]
    next_cursor: str | None = None


class SanctionIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``suspend`` until an instant, or without one for good; the three texts are what the member reads."""

    kind: Annotated[str, Meta(max_length=40)]
    until: Instant | None = None
    clause: Annotated[str, Meta(max_length=400)]
    facts: Annotated[str, Meta(max_length=8000)]
    reason: Annotated[str, Meta(max_length=8000)]


class LiftIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a sanction is lifted; the member reads it."""

    reason: Annotated[str, Meta(max_length=8000)]


class ImposedOut(msgspec.Struct, kw_only=True):
    """The new sanction; its id is that of the statement too."""

    id: UUID


def statement_out(found: SanctionView, now: datetime) -> StatementOut:
    """Return what the member sees."""
    return StatementOut(
        id=found.id,
        kind=found.kind.value,
        starts_at=found.starts_at,
        until=found.until,
        clause=found.clause,
        facts=found.facts,
        reason=found.reason,
        is_automated=False,
        lifted_at=found.lifted_at,
        lift_reason=found.lift_reason,
        is_in_force=found.is_in_force(now),
    )


def sanction_out(found: SanctionView, now: datetime) -> SanctionOut:
    """Return what admins see."""
    return SanctionOut(
        **msgspec.structs.asdict(statement_out(found, now)),
        decided_by=found.author,
        lifted_by=found.lifter,
        state_before=found.state_before,
    )

"""What accounts asks and tells the features of the roles, without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.accounts.models import Role


@dataclass(frozen=True)
class MemberFacts:
    """What a role's feature tells about its member (``GET /me``)."""

    state: str
    work_country: str | None = None
    candidate_id: UUID | None = None


@dataclass(frozen=True)
class AccountHooks:
    """What the roles' features do and know; wired in ``app.py`` so that accounts imports neither."""

    confirmed: Mapping[Role, Callable[[Session, datetime, UUID], None]] = field(default_factory=dict)
    facts: Mapping[Role, Callable[[Session, UUID], MemberFacts]] = field(default_factory=dict)
    renamed: Mapping[Role, Callable[[Session, datetime, UUID], None]] = field(default_factory=dict)
    signed_in: Mapping[Role, Callable[[Session, datetime, UUID], None]] = field(default_factory=dict)

    def tell_signed_in(self, session: Session, now: datetime, account_id: UUID, role: Role) -> None:
        """Tell the role's feature that its member opened a session (B5)."""
        hook = self.signed_in.get(role)
        if hook is not None:
            hook(session, now, account_id)

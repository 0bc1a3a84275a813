"""The use case of one's own data: members correct their names and language (A7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.field_checks import language_faults, name_faults, tidy
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Role
from marketplace.accounts.rows import locked_account
from marketplace.errors import InvalidInputError


def update_own_data(
    session: Session,
    now: datetime,
    account_id: UUID,
    hooks: AccountHooks,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    language: str | None = None,
) -> None:
    """Correct one's own names and language; None leaves a field as it is (A7).

    Birth date and address are not among them: the first decides about guardianship (A1), the second
    needs a confirmation of both addresses (security.md R-05). Raises :class:`InvalidInputError`.
    """
    faults = [
        fault
        for name, value in (("first_name", first_name), ("last_name", last_name))
        if value is not None
        for fault in name_faults(name, value)
    ]
    if language is not None:
        faults.extend(language_faults(language))
    if faults:
        raise InvalidInputError(faults)
    account = locked_account(session, account_id)
    given = {"first_name": first_name, "last_name": last_name, "language": language}
    changed = []
    for name, value in given.items():
        text = tidy(value) if value is not None else None
        if text is not None and getattr(account, name) != text:
            setattr(account, name, text)
            changed.append(name)
    if changed:
        session.flush()
        audit.record(
            session, now, "account.corrected", actor_id=account_id, actor_role=account.role,
            subject_kind="account", subject_id=account_id, rule="A7", fields=changed,
        )  # fmt: skip
        hook = hooks.renamed.get(Role(account.role))
        if hook is not None and {"first_name", "last_name"} & set(changed):
            hook(session, now, account_id)

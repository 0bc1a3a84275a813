"""Reading documents, the versions in force on a day, and what a member has yet to accept (A2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    exists,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from marketplace.accounts.models import Account, Role
from marketplace.errors import NotFoundError
from marketplace.terms.models import Acceptance, DocumentKind, DocumentVersion

LANGUAGES = ("en", "fr")

REQUIRED_DOCUMENTS: dict[Role, tuple[DocumentKind, ...]] = {
    Role.CANDIDATE: (DocumentKind.TERMS_OF_USE, DocumentKind.PRIVACY_POLICY),
    Role.RECRUITER: (
        DocumentKind.TERMS_OF_USE,
        DocumentKind.PRIVACY_POLICY,
        DocumentKind.SPECIAL_TERMS,
        DocumentKind.ETHICAL_CODE,
    ),
    Role.ADMIN: (DocumentKind.TERMS_OF_USE, DocumentKind.PRIVACY_POLICY),
}
"""Which documents a member of each role accepts, in the order they are shown (A2)."""


@dataclass(frozen=True)
class DocumentText:
    """One version of a document in one language."""

    document: DocumentKind
    language: str
    version: str
    text: str
    text_hash: str
    effective_on: date
    needs_acceptance: bool


_COLUMNS = (
    DocumentVersion.document,
    DocumentVersion.language,
    DocumentVersion.version,
    DocumentVersion.text,
    DocumentVersion.text_hash,
    DocumentVersion.effective_on,
    DocumentVersion.needs_acceptance,
)


def documents_in_force(
    session: Session,
    today: date,
    language: str | None = None,
    documents: Collection[DocumentKind] = tuple(DocumentKind),
) -> tuple[DocumentText, ...]:
    """Return the version of each document in force on ``today``, in one language or in all (A2)."""
    statement = (
        select(*_COLUMNS)
        .ext(distinct_on(DocumentVersion.document, DocumentVersion.language))
        .where(DocumentVersion.effective_on <= today, DocumentVersion.document.in_(documents))
        .order_by(DocumentVersion.document, DocumentVersion.language, DocumentVersion.effective_on.desc())
    )
    if language is not None:
        statement = statement.where(DocumentVersion.language == language)
    found = [_text(row) for row in session.execute(statement)]
    order = list(DocumentKind)
    return tuple(sorted(found, key=lambda item: (order.index(item.document), item.language)))


def document_on(session: Session, document: DocumentKind, language: str, day: date) -> DocumentText:
    """Return the version in force on any ``day`` (A2); :class:`NotFoundError` before the first."""
    found = documents_in_force(session, day, language, (document,))
    if not found:
        raise NotFoundError
    return found[0]


def document_version(
    session: Session, document: DocumentKind, language: str, version: str, today: date
) -> DocumentText:
    """Return one version by its name, once it is or has been in force; else NotFoundError."""
    row = session.execute(
        select(*_COLUMNS).where(
            DocumentVersion.document == document,
            DocumentVersion.language == language,
            DocumentVersion.version == version,
            DocumentVersion.effective_on <= today,
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError
    return _text(row)


def document_history(
    session: Session, document: DocumentKind, language: str, today: date
) -> tuple[tuple[str, date], ...]:
    """Return (version, effective_on) of all versions until ``today``, newest first."""
    rows = session.execute(
        select(DocumentVersion.version, DocumentVersion.effective_on)
        .where(
            DocumentVersion.document == document,
            DocumentVersion.language == language,
            DocumentVersion.effective_on <= today,
        )
        .order_by(DocumentVersion.effective_on.desc())
    )
    return tuple((row.version, row.effective_on) for row in rows)


def consent_in_force(session: Session, today: date, language: str) -> DocumentText:
    """Return the opt-in text in force (C2)."""
    return document_on(session, DocumentKind.CONSENT_SEARCH, language, today)


def consent_by_hash(session: Session, today: date, text_hash: str) -> DocumentText | None:
    """Return the opt-in text in force, in whichever language, that has this hash (C2)."""
    in_force = documents_in_force(session, today, documents=(DocumentKind.CONSENT_SEARCH,))
    return next((item for item in in_force if item.text_hash == text_hash), None)


def required_documents(session: Session, role: Role, language: str, today: date) -> tuple[DocumentText, ...]:
    """Return the documents that somebody registering in ``role`` accepts, in force on ``today``."""
    found = documents_in_force(session, today, language, REQUIRED_DOCUMENTS[role])
    return tuple(item for item in found if item.needs_acceptance)


@cache
def _outstanding() -> Select[*tuple[Any, ...]]:
    """The statement of :func:`outstanding_documents`, built once: it is part of every decision."""
    return (
        select(*_COLUMNS)
        .select_from(DocumentVersion)
        .join(Account, Account.id == bindparam("account", type_=Uuid()))
        .where(_is_outstanding(DocumentVersion, bindparam("today", type_=Date())))
    )


def outstanding_documents(session: Session, account_id: UUID, today: date) -> tuple[DocumentText, ...]:
    """Return the versions in force that this member has yet to accept, in their language (A2)."""
    rows = session.execute(_outstanding(), {"account": account_id, "today": today})
    order = list(DocumentKind)
    return tuple(sorted((_text(row) for row in rows), key=lambda item: order.index(item.document)))


def language_of(session: Session, account_id: UUID) -> str:
    """Return the language a member reads documents in; :class:`NotFoundError` for nobody."""
    language = session.scalar(select(Account.language).where(Account.id == account_id))
    if language is None:
        raise NotFoundError
    return language


def has_outstanding_documents(today: date | BindParameter[date]) -> ColumnElement[bool]:
    """Return the condition on ``Account`` of :func:`outstanding_documents` being non-empty.

    For the statement that reads a session at each request: one round trip instead of two.
    """
    version = aliased(DocumentVersion)
    return exists(
        select(literal(1)).select_from(version).where(_is_outstanding(version, today)).correlate(Account)
    )


def _is_outstanding(version: type[DocumentVersion], today: date | BindParameter[date]) -> ColumnElement[bool]:
    """The newest version in force that asks for acceptance, without an acceptance of it or a newer."""
    newer = aliased(DocumentVersion)
    accepted = aliased(DocumentVersion)
    role_documents = or_(
        *(
            and_(Account.role == role, version.document.in_(documents))
            for role, documents in REQUIRED_DOCUMENTS.items()
        )
    )
    return and_(
        version.language == Account.language,
        version.needs_acceptance,
        version.effective_on <= today,
        role_documents,
        ~exists(
            select(literal(1)).where(
                newer.document == version.document,
                newer.language == version.language,
                newer.needs_acceptance,
                newer.effective_on <= today,
                newer.effective_on > version.effective_on,
            )
        ),
        ~exists(
            select(literal(1))
            .where(
                Acceptance.account_id == Account.id,
                Acceptance.document == version.document,
                accepted.document == Acceptance.document,
                accepted.version == Acceptance.version,
                accepted.language == version.language,
                accepted.effective_on >= version.effective_on,
            )
            # Named, for inside another EXISTS the account would become a table of its own: anybody's.
            .correlate(Account, version)
        ),
    )


def _text(row: Row[DocumentKind, str, str, str, str, date, bool]) -> DocumentText:
    return DocumentText(
        document=DocumentKind(row.document),
        language=row.language,
        version=row.version,
        text=row.text,
        text_hash=row.text_hash,
        effective_on=row.effective_on,
        needs_acceptance=row.needs_acceptance,
    )

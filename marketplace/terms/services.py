"""Publishing documents and recording who accepted which (rules A2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.models import Role
from marketplace.catalogues import N_
from marketplace.errors import ConflictError, FieldError, InvalidInputError
from marketplace.terms import documents, queries
from marketplace.terms.models import Acceptance, DocumentKind, DocumentVersion


@dataclass(frozen=True)
class AcceptedVersion:
    """A member's statement "I accept this version of this document"."""

    document: str
    version: str


def acceptance_faults(
    session: Session, today: date, role: Role, language: str, accepted: Sequence[AcceptedVersion]
) -> list[FieldError]:
    """Say which documents of ``role`` are not accepted, or not in the version in force (A2)."""
    given = {item.document: item.version for item in accepted}
    faults = []
    for wanted in queries.required_documents(session, role, language, today):
        version = given.pop(wanted.document.value, None)
        if version is None:
            faults.append(_fault(wanted.document, "acceptance_missing", N_("Please accept this document.")))
        elif version != wanted.version:
            message = N_("This document has a newer version. Please read and accept it.")
            faults.append(_fault(wanted.document, "version_not_in_force", message))
    known = {kind.value for kind in DocumentKind}
    if not given.keys() <= known:
        faults.append(FieldError("acceptances", "unknown_document", "This document does not exist."))
    return faults


def record_acceptances(
    session: Session,
    now: datetime,
    account_id: UUID,
    role: Role,
    language: str,
    accepted: Sequence[AcceptedVersion],
) -> None:
    """Record document, version, language, hash and time of each acceptance (A2).

    Versions must be in force; documents the role has no part in are ignored. Accepting again what
    is already accepted changes nothing. Raises :class:`InvalidInputError`.
    """
    in_force = {
        item.document.value: item for item in queries.required_documents(session, role, language, now.date())
    }
    outdated = [
        _fault(
            DocumentKind(item.document),
            "version_not_in_force",
            N_("This document has a newer version. Please read and accept it."),
        )
        for item in accepted
        if item.document in in_force and in_force[item.document].version != item.version
    ]
    if outdated:
        raise InvalidInputError(outdated)
    already = set(
        session.execute(
            select(Acceptance.document, Acceptance.version).where(Acceptance.account_id == account_id)
        )
    )
    for item in dict.fromkeys(accepted):
        version = in_force.get(item.document)
        if version is None or (version.document, version.version) in already:
            continue
        session.add(
            Acceptance(
                account_id=account_id,
                document=version.document,
                version=version.version,
                language=version.language,
                text_hash=version.text_hash,
                accepted_at=now,
            )
        )
        audit.record(
            session, now, "document.accepted", actor_id=account_id, actor_role=role.value,
            subject_kind="document", subject_id=version.document.value, rule="A2",
            version=version.version, language=version.language, text_hash=version.text_hash,
        )  # fmt: skip


def accept_outstanding(
    session: Session, now: datetime, account_id: UUID, role: Role, accepted: Sequence[AcceptedVersion]
) -> tuple[DocumentKind, ...]:
    """Record what a signed-in member accepts and return what is still missing (A2).

    The versions meant are those in force in the member's own language.
    Raises :class:`InvalidInputError` for a document that is unknown or a version not in force.
    """
    unknown = {item.document for item in accepted} - {kind.value for kind in DocumentKind}
    if unknown:
        raise InvalidInputError.of("acceptances", "unknown_document", "This document does not exist.")
    language = queries.language_of(session, account_id)
    record_acceptances(session, now, account_id, role, language, accepted)
    session.flush()
    return tuple(item.document for item in queries.outstanding_documents(session, account_id, now.date()))


def publish(
    session: Session,
    now: datetime,
    document: DocumentKind,
    language: str,
    text: str,
    effective_on: date,
    *,
    version: str | None = None,
    needs_acceptance: bool | None = None,
) -> str:
    """Publish a version and return its name (by default the next minor number) (A2).

    A version is never changed afterwards, and two of one document and language cannot take effect
    on the same day. Raises :class:`InvalidInputError`, :class:`ConflictError`.
    """
    if language not in queries.LANGUAGES:
        raise InvalidInputError.of("language", "unknown_language", "Documents are published in en and fr.")
    if not text.strip() or "\x00" in text:
        raise InvalidInputError.of("text", "empty", "The document has no text.")
    existing = session.execute(
        select(DocumentVersion.version, DocumentVersion.effective_on).where(
            DocumentVersion.document == document, DocumentVersion.language == language
        )
    ).all()
    if any(row.effective_on == effective_on for row in existing):
        raise ConflictError("effective_date_taken", "Another version takes effect on that day.")
    name = version or _next_version([row.version for row in existing])
    if any(row.version == name for row in existing):
        raise ConflictError("version_taken", "This version is already published.")
    if needs_acceptance is None:
        needs_acceptance = document is not DocumentKind.CONSENT_SEARCH
    row = DocumentVersion(
        document=document,
        language=language,
        version=name,
        text=text,
        text_hash=hash_text(text),
        effective_on=effective_on,
        needs_acceptance=needs_acceptance,
    )
    session.add(row)
    audit.record(
        session, now, "document.published", actor_id=None, actor_role="system",
        subject_kind="document", subject_id=document.value, rule="A2",
        version=name, language=language, text_hash=row.text_hash, effective_on=effective_on.isoformat(),
    )  # fmt: skip
    return name


def publish_builtin(session: Session, now: datetime) -> int:
    """Publish the documents that come with the product where they are missing; return how many.

    Safe to run at every start and by several processes at once: what is there is never changed.
    """
    published = 0
    for item in documents.builtin():
        result = session.execute(
            insert(DocumentVersion)
            .values(
                document=item.document,
                language=item.language,
                version=documents.BUILTIN_VERSION,
                text=item.text,
                text_hash=hash_text(item.text),
                effective_on=documents.BUILTIN_EFFECTIVE_ON,
                needs_acceptance=DocumentKind(item.document) is not DocumentKind.CONSENT_SEARCH,
            )
            .on_conflict_do_nothing(index_elements=["document", "language", "version"])
            .returning(DocumentVersion.id)
        )
        if result.scalar_one_or_none() is None:
            continue
        published += 1
        audit.record(
            session, now, "document.published", actor_id=None, actor_role="system",
            subject_kind="document", subject_id=item.document, rule="A2",
            version=documents.BUILTIN_VERSION, language=item.language, text_hash=hash_text(item.text),
            effective_on=documents.BUILTIN_EFFECTIVE_ON.isoformat(),
        )  # fmt: skip
    return published


def hash_text(text: str) -> str:
    """Return the SHA-256 of a document's text, in hexadecimal: what an acceptance refers to."""
    return sha256(text.encode()).hexdigest()


def _next_version(existing: Sequence[str]) -> str:
    numbers = [tuple(int(part) for part in name.split(".")) for name in existing if _is_numbered(name)]
    if not numbers:
        return "1.0"
    major, minor = max(numbers)
    return f"{major}.{minor + 1}"


def _is_numbered(name: str) -> bool:
    return re.fullmatch(r"[0-9]+\.[0-9]+", name) is not None


def _fault(document: DocumentKind, code: str, message: str) -> FieldError:
    return FieldError(f"acceptances.{document.value}", code, message)

"""Run by Alembic: the metadata of every table, on the connection ``marketplace.migrations`` opened."""

from __future__ import annotations

from alembic import context

import marketplace.accounts.models
import marketplace.audit
import marketplace.candidates.models
import marketplace.certificates
import marketplace.contacts.models
import marketplace.moderation.models
import marketplace.outbox
import marketplace.rate_limits.models
import marketplace.recruiters.models
import marketplace.search.drift
import marketplace.terms.models  # noqa: F401  (imported for the tables it declares, like those above)
from marketplace.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()

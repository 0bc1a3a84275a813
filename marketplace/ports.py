"""What the outside of a process is made of: one value, handed to every edge.

``marketplace/app.py`` builds it (:func:`marketplace.app.build_ports`) for the web process, the
worker and the command line alike. Rules and services never see it: they get a session and a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.clock import Clock
from marketplace.db import Database
from marketplace.files import FileStore
from marketplace.mail import Mailer
from marketplace.pdf.limited import PDFReader
from marketplace.rate_limits.resilient import ClosableLimiter
from marketplace.search.port import SearchIndex
from marketplace.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The adapters of one process, chosen by settings."""

    settings: Settings
    clock: Clock
    db: Database
    files: FileStore
    index: SearchIndex
    reader: PDFReader
    mailer: Mailer
    limiter: ClosableLimiter

    def close(self) -> None:
        """Give back what is held open."""
        self.index.close()
        self.db.dispose()
        self.limiter.close()

"""Who may enter the admin portal; the second factor of a later issue is asked for here (E8)."""

from __future__ import annotations

from marketplace.web.guards import requires_admin

__all__ = ["requires_admin"]

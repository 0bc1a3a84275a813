"""The application for tests: its routes are made once a process, which takes half a second."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from litestar import Litestar

from marketplace.app import connected, routed
from marketplace.ports import Ports
from marketplace.settings import Settings


def an_app(ports: Ports, **changes: Any) -> Litestar:
    """Return the process's application on these ports, ``changes`` among them, and on no others any more.

    A test that needs two at once makes the second with ``create_app``.
    """
    settings = ports.settings
    return connected(_routed(settings.is_production, settings.is_secure), settings, replace(ports, **changes))


@cache
def _routed(is_production: bool, is_secure: bool) -> Litestar:
    """Routes depend on nothing else of the settings."""
    settings = Settings(
        env="production" if is_production else "development",
        base_url="https://talent.example" if is_secure else "http://127.0.0.1:8000",
    )
    return routed(settings)

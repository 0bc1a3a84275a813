"""What tests of searching share."""

from __future__ import annotations

import pytest

from marketplace.ports import Ports
from tests.markets import Market


@pytest.fixture
def market(ports: Ports) -> Market:
    """A verified recruiter in France, nobody to be found yet."""
    return Market.of(ports)

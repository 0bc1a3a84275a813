"""The limits of a request, in one place and before its handler (rules E1; security.md X-04).

A route says ``opt={"quota": Quota.X}``. Here its rates under a day are counted together with those of
the caller's address, in one round trip; the quotas of a day are counted with the act itself
(``rate_limits/uses.py``). Static files and the probes of a load balancer count in none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.types import Message, Scope, Send
from litestar.utils import normalize_path

from marketplace.errors import TooManyRequestsError
from marketplace.ports import Ports
from marketplace.rate_limits import policy, standings
from marketplace.rate_limits.policy import Counted
from marketplace.rate_limits.port import Standing, Window
from marketplace.rate_limits.quotas import QUOTAS, Quota, Unit, short_rates
from marketplace.rate_limits.uses import factors_of
from marketplace.recruiters.queries import company_of_account
from marketplace.web.identity import Member
from marketplace.web.limit_texts import standing_headers

log = structlog.get_logger()

UNLIMITED = ("/static/", "/livez", "/readyz", "/metrics")
_REMEMBERED = 10_000


def is_unlimited(path: str) -> bool:
    """Whether a path counts in no limit: static files and probes."""
    return path.startswith(UNLIMITED[0]) or path in UNLIMITED


def quota_of(scope: Scope) -> Quota | None:
    """Return the quota the route of a request declares.

    Asks the router itself, whose cache then answers the routing proper.
    """
    path = normalize_path(scope["path"])
    try:
        found = scope["litestar_app"].asgi_router.handle_routing(path=path, method=scope.get("method"))
    except HTTPException:
        return None  # 404 or 405, which the routing will say
    quota: Quota | None = found[1].opt.get("quota")
    return quota


class RequestLimits:
    """Counts requests for the address they come from, the account behind them and its company."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._factors = factors_of(ports.settings)
        self._counted = lru_cache(_REMEMBERED)(self._read_counted)
        self._refused: dict[str, tuple[float, TooManyRequestsError]] = {}
        self.is_on = any(short_rates(ports.settings.quotas, quota) for quota in Quota)

    def admit(
        self, state: Any, host: str, quota: Quota | None, read_member: Callable[[], Member | None]
    ) -> None:
        """Count the request and put its member into ``state``; runs in a thread.

        An address that is over its limit costs nothing more until it may come back: it is remembered
        here. Raises :class:`TooManyRequestsError`.
        """
        network = policy.network_of(host)
        self._refuse_remembered(network)
        given = self._ports.settings.quotas
        of_address = list(
            policy.windows_of_network(short_rates(given, Quota.ADDRESS), Quota.ADDRESS, network)
        )
        rates = short_rates(given, quota) if quota is not None else ()
        if quota is None or not rates:
            self._hit(of_address, network)
            state["member"] = read_member()
        elif QUOTAS[quota].unit is Unit.NETWORK:
            self._hit(of_address, network)
            self._tell(self._hit(list(policy.windows_of_network(rates, quota, network)), network))
            state["member"] = read_member()
        else:
            state["member"] = member = read_member()
            own: list[Window] = []
            if member is not None:
                whom, now = self._counted(member.account_id), self._ports.clock.now()
                own = list(policy.windows_of_account(rates, quota, whom, now, self._factors))
            self._tell(self._hit_both(own, of_address, network))

    def _hit_both(self, own: Sequence[Window], of_address: Sequence[Window], network: str) -> Standing | None:
        """Count in all windows at once; what the account's own refuse is counted for the address too."""
        try:
            return self._hit([*own, *of_address], network)
        except TooManyRequestsError as refused:
            if own and refused.quota != Quota.ADDRESS:
                self._hit(of_address, network)
            raise

    def _hit(self, windows: Sequence[Window], network: str) -> Standing | None:
        if not windows:
            return None
        try:
            return self._ports.limiter.hit(windows)
        except TooManyRequestsError as refused:
            if refused.quota == Quota.ADDRESS:
                self._remember(network, refused)
            raise

    def _tell(self, standing: Standing | None) -> None:
        if standing is not None:
            standings.note(standing)

    def _remember(self, network: str, refused: TooManyRequestsError) -> None:
        if len(self._refused) >= _REMEMBERED:
            self._refused.clear()
        self._refused[network] = (time.monotonic() + refused.retry_after, refused)
        log.warning("limit.address_refused", limit=refused.limit, seconds=refused.retry_after)

    def _refuse_remembered(self, network: str) -> None:
        known = self._refused.get(network)
        if known is None:
            return
        until, refused = known
        left = until - time.monotonic()
        if left <= 0:
            self._refused.pop(network, None)
            return
        raise TooManyRequestsError(refused.quota, refused.limit, int(left) + 1, refused.seconds)

    def _read_counted(self, account_id: UUID) -> Counted:
        """Return whom an account is counted as: neither company nor age ever changes."""
        with self._ports.db.reading() as session:
            company_id, registered_at = company_of_account(session, account_id)
        return Counted(account_id=account_id, company_id=company_id, registered_at=registered_at)


def telling(send: Send, heard: list[Standing]) -> Send:
    """Return ``send`` with the headers that say how the quotas of the request stand (rules E1)."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start" and heard:
            message.setdefault("headers", [])
            headers = MutableScopeHeaders.from_message(message)
            for name, value in standing_headers(heard):
                headers.setdefault(name, value)
        await send(message)

    return tell

"""What bad input gets: a 4xx problem that says what to change, on every route and in every text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from indexer.rebuild import rebuild
from marketplace.accounts.models import Account, Role
from marketplace.app import build_ports, create_app
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings
from marketplace.web.docs import openapi_json
from tests.builders import NOW, a_candidate, a_recruiter, an_account, an_opening
from tests.databases import Copies
from tests.portal import PortalClient

DOCUMENT = json.loads(openapi_json())
HOSTILE = ["\x00", "\ud800", "\ufeff", "\u202e", "\r\nBcc: e@example.org", "a" * 100_000, "\U0010ffff", "'--"]


class Caller(PortalClient):
    """A client with the bearer headers of each role, and ids that exist."""

    tokens: dict[str, dict[str, str]]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def caller(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    url = copies.make()
    settings = Settings(
        quotas=NO_LIMITS,
        data=tmp_path_factory.mktemp("data"),
        secret_key="k" * 48,
        password_hash_memory_kib=8,
        database_url=url,
    )
    db = Database(url, pool_size=5)
    ports = build_ports(settings, db=db, clock=FixedClock(NOW), mailer=MailSink())
    with db.transaction() as session:
        candidate, found, recruiter = a_candidate(session), a_candidate(session), a_recruiter(session)
        accounts = {
            "candidates": session.get_one(Account, candidate.account_id),
            "recruiters": session.get_one(Account, recruiter.account_id),
            "admin": an_account(session, Role.ADMIN),
        }
        for account in accounts.values():
            account.may_use_bearer = True
        ids = {"candidate_id": str(found.id), "opening_id": str(an_opening(session, recruiter).id)}
    rebuild(ports, "FR")
    with Caller(create_app(settings, ports=ports)) as client:
        client.tokens = {role: client.bearer(account) for role, account in accounts.items()}
        client.ids = ids
        yield client
    copies.drop(url)


def operations(*, with_body: bool = False) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield method, path and description of every operation, or of those that take JSON."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if not with_body or "application/json" in operation.get("requestBody", {}).get("content", {}):
                yield method.upper(), path, operation


def role_of(path: str, operation: Mapping[str, Any]) -> str:
    """Return who may call an operation."""
    if "/admin/" in path:
        return "admin"
    (tag,) = operation["tags"]
    is_candidates = tag == "candidates" or path.endswith("/answer")
    return "candidates" if is_candidates else "recruiters"


KNOWN = {
    "email": "someone@example.org", "country": "FR", "work_country": "FR", "job_country": "FR",
    "start_month": "2027-09", "languages": "fr", "consent_hash": "c" * 64, "decision": "refuse",
    "grant": "bearer", "verdict": "allow", "kind": "suspend", "until": "2027-01-01T00:00:00Z",
}  # fmt: skip


def sample(schema: Mapping[str, Any], ids: Mapping[str, str], name: str = "") -> Any:
    """Return a small value that the schema allows."""
    if "$ref" in schema:
        return sample(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], ids, name)
    if "oneOf" in schema:
        real = next(one for one in schema["oneOf"] if one != {"type": "null"})
        return sample({key: part for key, part in schema.items() if key != "oneOf"} | real, ids, name)
    if schema.get("type") == "object":
        return {key: sample(part, ids, key) for key, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [sample(schema["items"], ids, name)]
    if "enum" in schema:
        return schema["enum"][0]
    of_format = {"uuid": ids.get(name, str(uuid4())), "date": "2027-09-01"}
    text = of_format.get(schema.get("format", ""), KNOWN.get(name, "abc"))
    return {"boolean": False, "integer": schema.get("minimum", 1)}.get(schema["type"], text)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the texts of a body are."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, key))


def with_leaf(value: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    """Return a copy of a body with another text in one place."""
    if not path:
        return leaf
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_leaf(value[path[0]], path[1:], leaf)
    return copy


def address(path: str, ids: Mapping[str, str]) -> str:
    """Return a path with ids that exist where there are any."""
    parts = [ids.get(part[1:-1], str(uuid4())) if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def ask(caller: Caller, method: str, path: str, operation: Mapping[str, Any], **more: Any) -> Any:
    """Send a request as the one who may, and hold the answer against the description."""
    headers = {**caller.tokens[role_of(path, operation)], **more.pop("headers", {})}
    answer = caller.request(method, address(path, caller.ids), headers=headers, **more)
    assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    assert str(answer.status_code) in operation["responses"], f"{method} {path}: {answer.text}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer


def body_of(caller: Caller, operation: Mapping[str, Any]) -> Any:
    return sample(operation["requestBody"]["content"]["application/json"]["schema"], caller.ids)


JSON_OPERATIONS = [pytest.param(*found, id=f"{found[0]} {found[1]}") for found in operations(with_body=True)]
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(("method", "path", "operation"), JSON_OPERATIONS)
def test_hostile_text(caller: Caller, method: str, path: str, operation: Mapping[str, Any]) -> None:
    """W-06: NUL, lone surrogates, marks, lines and floods in every text of every body are no 5xx."""
    body = body_of(caller, operation)
    for place in leaves(body):
        for text in HOSTILE:
            sent = json.dumps(with_leaf(body, place, text))
            answer = ask(caller, method, path, operation, content=sent, headers=JSON)
            if text in {"\x00", "\ud800"}:
                assert answer.status_code in {400, 422}, f"{place} took {text!r}"


UNREADABLE = {
    "nothing": b"", "cut short": b'{"a": ', "two values": b"{} {}", "bad UTF-8": b'{"a": "\xff"}',
    "a mark before": b"\xef\xbb\xbf{}", "UTF-16": "{}".encode("utf-16"), "not a number": b'{"a": NaN}',
    "deep": b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "deep list": b"[" * 100_000 + b"]" * 100_000,
    "twice": b'{"a": 1, "a": 2}', "a number": b"1" * 5000,
}  # fmt: skip


WRONG: list[Any] = [[], "text", 1, None, True]


@pytest.mark.parametrize(("method", "path", "operation"), JSON_OPERATIONS)
def test_unreadable_bodies(caller: Caller, method: str, path: str, operation: Mapping[str, Any]) -> None:
    """Interface: what cannot be parsed is 400, what is parsed and wrong 422 with its field, too much 413."""
    statuses = {
        name: ask(caller, method, path, operation, content=body, headers=JSON).status_code
        for name, body in UNREADABLE.items()
    }
    assert statuses == dict.fromkeys(UNREADABLE, 400) | {"a number": statuses["a number"]}
    for wrong in WRONG:
        answer = ask(caller, method, path, operation, json=wrong)
        assert answer.status_code == 422 or (wrong is None and answer.status_code == 400), wrong
    unknown = {**body_of(caller, operation), "is_admin": True}
    refused = ask(caller, method, path, operation, json=unknown)
    assert refused.status_code == 422
    assert ("is_admin", "unknown") in {(fault["field"], fault["code"]) for fault in refused.json()["errors"]}
    large = b'{"a": "' + b"a" * 1024 * 1024 + b'"}'
    assert ask(caller, method, path, operation, content=large, headers=JSON).status_code == 413
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonx"):
        wrong_kind = ask(caller, method, path, operation, content=b'{"a": 1}', headers={"content-type": kind})
        assert 400 <= wrong_kind.status_code < 500


def test_hostile_queries(caller: Caller) -> None:
    """W-06: every query parameter bears any text; NUL and bytes that are no UTF-8 are refused."""
    for method, path, operation in operations():
        names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        for name in [*names, "unknown"] if method == "GET" else ():
            for text in (*HOSTILE[2:], "%", "&&", "\x7f"):
                if len(text) < 10_000:
                    ask(caller, method, path, operation, params={name: text})
            for raw in ("%FF", "%ED%A0%80", "%00", "%", "+", "%C0%80", "a&" + f"{name}=b"):
                target = f"{address(path, caller.ids)}?{name}={raw}"
                answer = caller.get(target, headers=caller.tokens[role_of(path, operation)])
                assert answer.status_code < 500, f"{target}: {answer.text}"
                assert str(answer.status_code) in operation["responses"], f"{target}: {answer.text}"
                assert answer.status_code == 400 or raw != "%00", target


def test_other_methods(caller: Caller) -> None:
    """W-06: what a path does not do is 405 with `Allow`; HEAD answers as GET does, without a body."""
    for path, methods in DOCUMENT["paths"].items():
        offered = {method.upper() for method in methods}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - offered:
            operation = next(iter(methods.values()))
            headers = caller.tokens[role_of(path, operation)]
            answer = caller.request(method, address(path, caller.ids), headers=headers)
            if (
                answer.status_code == 404
            ):  # another pattern answers, as /candidates/{id} for /candidates/search
                continue
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code} {answer.text}"
            assert offered <= set(answer.headers["allow"].replace(" ", "").split(",")), path
            assert answer.headers["content-type"] == "application/problem+json"
        if "GET" in offered:
            headers = caller.tokens[role_of(path, methods["get"])]
            head = caller.head(address(path, caller.ids), headers=headers)
            assert head.content == b""
            assert head.status_code < 500, path


def test_ids_that_are_none(caller: Caller) -> None:
    """Z-02: a malformed id is the 404 of an unknown one, byte for byte but for the request's own id."""
    for method, path, operation in operations():
        if "{" not in path:
            continue
        told = set()
        content = operation.get("requestBody", {}).get("content", {})
        more = {"json": body_of(caller, operation)} if "application/json" in content else {}
        for known in (
            str(uuid4()),
            "1",
            "nobody",
            "%F0%9F%92%A9",
            "..%2f..",
            "A" * 2000,
            str(uuid4()).upper(),
        ):
            ids = {part[1:-1]: known for part in path.split("/") if part.startswith("{")}
            target = address(path, ids)
            answer = caller.request(method, target, headers=caller.tokens[role_of(path, operation)], **more)
            assert answer.status_code == 404, f"{method} {target}: {answer.status_code} {answer.text}"
            problem = answer.json()
            problem.pop("instance")
            told.add(json.dumps(problem))
        assert len(told) == 1, told


def test_floods_without_a_length(caller: Caller) -> None:
    """U-01: a body that does not say how long it is ends at the same limit."""
    headers = {**caller.tokens["candidates"], **JSON}
    flood = (b'{"headline": "' + b"a" * 1024 * 1024, b"a" * 1024 * 1024 + b'"}')
    assert caller.put("/api/v1/me/profile", content=iter(flood), headers=headers).status_code == 413


BOUNDARY = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nx\r\n--b--\r\n'
MULTIPART = {
    "no boundary": ("multipart/form-data", PART % b"cv.pdf"),
    "another boundary": ("multipart/form-data; boundary=c", PART % b"cv.pdf"),
    "no end": (BOUNDARY, (PART % b"cv.pdf")[:-8]),
    "no head": (BOUNDARY, b"--b\r\nx\r\n--b--\r\n"),
    "nothing": (BOUNDARY, b""),
    "bytes that are no text": (BOUNDARY, PART % b"\xff\xfe.pdf"),
    "NUL in the name": (BOUNDARY, PART % b"a\x00b.pdf"),
    "a path": (BOUNDARY, PART % b"..%2f..%2fetc/passwd"),
    "an endless name": (BOUNDARY, PART % (b"a" * 100_000)),
    "a thousand parts": (BOUNDARY, b"".join([(PART % b"cv.pdf")[:-7]] * 1001) + b"--b--\r\n"),
    "a charset nobody knows": (BOUNDARY + "; charset=x-none", PART % b"cv.pdf"),
    "text in place of a file": (
        BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MULTIPART)
def test_broken_uploads(caller: Caller, what: str) -> None:
    """U-02, U-06: whatever an upload looks like, it is refused as a 4xx problem, and nothing is stored."""
    kind, body = MULTIPART[what]
    operation = DOCUMENT["paths"]["/api/v1/me/cv"]["put"]
    before = ask(caller, "GET", "/api/v1/me/cv", DOCUMENT["paths"]["/api/v1/me/cv"]["get"]).json()
    answer = ask(caller, "PUT", "/api/v1/me/cv", operation, content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500
    after = ask(caller, "GET", "/api/v1/me/cv", DOCUMENT["paths"]["/api/v1/me/cv"]["get"]).json()
    assert after == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", b"Bearer \xff\xfe"), ("authorization", b"Bearer " + b"a" * 9000),
        ("authorization", b"Basic YTpi"), ("authorization", b"Bearer"), ("cookie", b"tm_session=\xff"),
        ("cookie", b"=;;=,\x01"), ("accept-language", b"\xff;q=x, *;q=9, en;q=-1"), ("accept", b"\xff/\xff"),
        ("content-type", b"\xff"), ("content-type", b"application/json; charset=\xff"),
        ("user-agent", b"\xff\x1b[31m"), ("origin", b"\xff"), ("sec-fetch-site", b"\xff"),
        ("idempotency-key", b"\xff" * 20), ("idempotency-key", b"k" * 300), ("x-csrftoken", b"\xff"),
        ("forwarded", b"for=\xff"), ("range", b"bytes=9-1,-,x"),
    ],
)  # fmt: skip
def test_hostile_headers(caller: Caller, name: str, value: bytes) -> None:
    """W-06: no header a client sends is a 5xx, on reading or on writing."""
    path = f"/api/v1/candidates/{caller.ids['candidate_id']}/contacts"
    for method, target in (("GET", "/api/v1/me"), ("POST", path)):
        sent = {"content-type": "application/json", **caller.tokens["recruiters"], name: value}
        answer = caller.request(method, target, headers=sent, content=b"{}" if method == "POST" else None)  # type: ignore[arg-type]
        assert answer.status_code < 500, f"{method} {target}: {answer.text}"

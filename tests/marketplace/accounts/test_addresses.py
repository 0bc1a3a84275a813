"""Reading and folding e-mail addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.addresses import fold, parse_address
from marketplace.errors import InvalidInputError


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada@EXAMPLE.org  ", "ada@example.org"),
        ("ada@example.org.", "ada@example.org"),
        ("ada+jobs@example.org", "ada@example.org"),
        ("ada+jobs+more@example.org", "ada@example.org"),
        ("+ada@example.org", "+ada@example.org"),
        ("ada.lovelace@example.org", "ada.lovelace@example.org"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("A.D.A+x@GoogleMail.com", "ada@gmail.com"),
        ("a-d_a.x@protonmail.com", "adax@proton.me"),
        ("adax@pm.me", "adax@proton.me"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_one_person_one_identity(given: str, canonical: str) -> None:
    """A5: case, Unicode, plus-tags and dots the provider ignores fold to one address."""
    assert parse_address(given).canonical == canonical


def test_mail_goes_to_the_address_as_given() -> None:
    """A5: folding is for identity only; the plus-tag and the case before the @ stay for delivery."""
    address = parse_address("Ada.L+jobs@GMAIL.com")
    assert (address.given, address.local, address.domain) == (
        "Ada.L+jobs@gmail.com",
        "Ada.L+jobs",
        "gmail.com",
    )
    assert str(address) == address.given


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "ada", "ada@", "@example.org", "ada@@example.org", "ada@example", "ada@-example.org",
        '"a b"@example.org', "ada@[1.2.3.4]", "ada@1.2.3.4", "ada(comment)@example.org", "a da@example.org",
        "ada@exam ple.org", "ada＠example.org", "ada@example.org\r\nBcc: eve@example.org",
        "ada\x00@example.org",
        "ada\u202e@example.org", "àda@example.org", "ada@localhost", "a" * 65 + "@example.org",
        "ada@" + "a" * 250 + ".org", "Ada <ada@example.org>", "ada@example..org", ".ada@example.org",
        "\ud800@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """C-01: one parser; quoted, commented, literal, full-width and control characters are refused."""
    with pytest.raises(InvalidInputError) as refused:
        parse_address(text, "contact")
    assert [(fault.field, fault.code) for fault in refused.value.errors] == [("contact", "invalid_email")]


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    """interface.md: nothing a person types gives another error."""
    try:
        address = parse_address(text)
    except InvalidInputError:
        return
    assert parse_address(address.given).canonical == address.canonical
    assert len(address.canonical) <= 254


@given(st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,5})?(\+[a-z]{0,5})?", fullmatch=True))
def test_folding_twice_changes_nothing(local: str) -> None:
    """A5: the identity of an identity is itself."""
    once = fold(local, "gmail.com")
    assert fold(*once.rsplit("@", 1)) == once

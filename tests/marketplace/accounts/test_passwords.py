"""Which passwords are accepted, and how they are kept."""

from __future__ import annotations

import threading
import time

import pytest
from argon2 import extract_parameters

from marketplace.accounts import passwords
from marketplace.accounts.passwords import (
    context_words,
    hash_password,
    password_faults,
    verify_password,
)
from marketplace.settings import default_of

MEMORY = 8
UNIQUE = (
    "Nine brass kettles sing to forty otters about marble, vinegar, thunder, and a very "
    "late velvet train to Ghent; nobody ever minded."
)


def _codes(password: str, *words: str) -> list[str]:
    faults = password_faults(password, minimum=15, maximum=128, context_words=words)
    assert all(fault.field == "password" and fault.message for fault in faults)
    return [fault.code for fault in faults]


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        (UNIQUE[:14], ["password_too_short"]),
        (UNIQUE[:15], []),
        (UNIQUE[:16], []),
        (UNIQUE[:127], []),
        (UNIQUE[:128], []),
        (UNIQUE[:128] + "x", ["password_too_long"]),
        ("", ["password_too_short"]),
        ("🦉🐙🌋🧀🚲🎻🍄🧊🪁🦔🌵🥁🧭🪲🍋", []),
        ("🙂" * 15, []),
        ("日本語の合言葉はとても長いのです", []),
        ("e\u0301" * 14, ["password_too_short"]),
        ("vélo tulipe écrou 7", []),
        ("            \t  ", ["password_common"]),
    ],
)
def test_length_in_code_points(password: str, codes: list[str]) -> None:
    """A-02: 15 to 128 code points, any Unicode, no composition rule."""
    assert _codes(password) == codes


def test_nothing_is_trimmed_or_cut() -> None:
    """A-02: a trailing space counts, and so does the 128th character."""
    stored = hash_password(UNIQUE[:128], MEMORY)
    assert verify_password(stored, UNIQUE[:128], MEMORY).is_right
    assert not verify_password(stored, UNIQUE[:127] + "#", MEMORY).is_right
    assert not verify_password(stored, UNIQUE[:127], MEMORY).is_right
    spaced = hash_password("brass kettles sing ", MEMORY)
    assert not verify_password(spaced, "brass kettles sing", MEMORY).is_right
    assert not verify_password(spaced, "Brass kettles sing ", MEMORY).is_right


def test_accents_are_composed() -> None:
    """A-02: NFC is the one normalisation; compatibility forms stay different."""
    stored = hash_password("vélo écrou tulipe", MEMORY)
    assert verify_password(stored, "ve\u0301lo e\u0301crou tulipe", MEMORY).is_right
    assert not verify_password(
        hash_password("ﬁne brass kettles", MEMORY), "fine brass kettles", MEMORY
    ).is_right


def test_a_megabyte_is_refused_at_once() -> None:
    """A-02: over-long passwords are refused before anything is computed."""
    began = time.perf_counter()
    assert _codes("ab" * 500_000) == ["password_too_long"]
    assert time.perf_counter() - began < 0.05
    stored = hash_password(UNIQUE[:20], MEMORY)
    assert not verify_password(stored, UNIQUE[:20] + "x" * 2000, MEMORY).is_right


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "Password Password", "password1234567", "qwertyuiopasdfgh", "azertyuiopqsdfgh",
        "AzertyuiopQsdf1", "motdepasse123456", "Mot de passe 2026", "motdepassesecret", "iloveyouforever",
        "jetaimepourlavie", "123456789012345", "111111111111111", "abcdefghijklmno", "sunshinedragonfly",
        "aaaaaaaaaaaaaaaa", "abcabcabcabcabc", "monmotdepasse2026", "supersecretpassword",
        "SuperSecretP4ssword",
        "letmeinpleaseletmein", "football football", "1qaz2wsx3edc4rfv", "P@ssw0rdP@ssw0rd", "x" * 128,
    ],
)  # fmt: skip
def test_common_passwords_are_refused(password: str) -> None:
    """A-03: listed ones, two in a row, keyboard walks, repeats, in English and French."""
    assert _codes(password) == ["password_common"]


@pytest.mark.parametrize(
    "password",
    [
        "marie.dupont2026!", "MarieDupont-2026", "Dupont Marie 2026", "acme-industries-1",
        "Acme Industries 2026",
        "AcmeAcmeAcme2026!", "talent marketplace", "TalentMarketplace2026", "my talent marketplace login",
    ],
)  # fmt: skip
def test_context_words_are_refused(password: str) -> None:
    """A-03: e-mail local part, names, company and product name carry no password."""
    words = context_words("marie.dupont@acme.fr", "Acme Industries", "Marie", "Dupont")
    assert _codes(password, *words) == ["password_context"]


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "bleu cheval 42 nuages", "Tr0ub4dor-and-3-horses"]
)
def test_phrases_are_welcome(password: str) -> None:
    """A-02: no composition rule: a few words are enough."""
    assert _codes(password, *context_words("marie.dupont@acme.fr", "Acme Industries")) == []


def test_hash_parameters() -> None:
    """A-01: argon2id, at least 46 MiB by default, one pass, one lane."""
    assert default_of("password_hash_memory_kib") >= 47104
    parameters = extract_parameters(hash_password(UNIQUE[:20], MEMORY))
    assert (parameters.type.name, parameters.time_cost, parameters.parallelism) == ("ID", 1, 1)
    assert hash_password(UNIQUE[:20], MEMORY) != hash_password(UNIQUE[:20], MEMORY)


def test_other_parameters_ask_for_a_new_hash() -> None:
    """A-01: a hash of older parameters verifies and comes back renewed; a current one does not."""
    stored = hash_password(UNIQUE[:20], MEMORY)
    assert verify_password(stored, UNIQUE[:20], MEMORY).new_hash is None
    renewed = verify_password(stored, UNIQUE[:20], 16).new_hash
    assert renewed is not None
    assert extract_parameters(renewed).memory_cost == 16


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$broken"])
def test_without_a_hash_nothing_fits(stored: str | None) -> None:
    """A-07: the same work is spent where there is no hash, and nothing is right."""
    assert verify_password(stored, UNIQUE[:20], MEMORY) == passwords.Verification(is_right=False)


def test_hashing_waits_for_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """A-01: no more hashes at once than the pool allows; the others wait and finish."""
    running, peak, lock = 0, 0, threading.Lock()

    class Slow:
        def hash(self, _: bytes) -> str:
            nonlocal running, peak
            with lock:
                running += 1
                peak = max(peak, running)
            time.sleep(0.02)
            with lock:
                running -= 1
            return "done"

    monkeypatch.setattr(passwords, "_SLOTS", threading.BoundedSemaphore(2))
    monkeypatch.setattr(passwords, "_hasher", lambda _: Slow())
    threads = [threading.Thread(target=hash_password, args=(UNIQUE, MEMORY)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak == 2


def test_odd_code_points_do_no_harm() -> None:
    """interface.md: NUL and lone surrogates are code points like any other."""
    for password in ("\x00" * 20, "\ud800" * 20):
        assert verify_password(hash_password(password, MEMORY), password, MEMORY).is_right
        _codes(password)

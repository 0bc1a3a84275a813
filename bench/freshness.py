"""From the commit of a change to the search that finds it, on a running ``make run``.

The demonstration candidate gives the headline a word nobody has, and uploads a CV with one; the
demonstration recruiter searches for it until it is found. Withdrawals are asked once, right after
the answer: the person must be gone. The gate: p95 at most 2 s from the upload to searchable.

Uploads are limited to ten a day; more need ``MARKETPLACE_QUOTA_CV_UPLOAD=none make run``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from random import Random
from typing import Any

import httpx

from bench.figures import percentile, tell
from marketplace.clock import SystemClock
from marketplace.demo.cv_layouts import draw
from marketplace.demo.people import persona
from marketplace.settings import Settings

GATE_MS = 2000.0
GIVE_UP_SECONDS = 30.0
POLL_SECONDS = 0.02


def signed_in(told: dict[str, Any], role: str) -> httpx.Client:
    """Return a client that is signed in as the demonstration account of ``role``."""
    account = next(account for account in told["accounts"] if account["role"] == role)
    client = httpx.Client(base_url=f"{told['base_url']}/api/v1", timeout=30)
    answer = client.post(
        "/sessions",
        json={"email": account["email"], "password": account["password"], "transport": "bearer"},
    )
    answer.raise_for_status()
    client.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return client


def made_up_word(rng: Random) -> str:
    """Return a word that no CV has."""
    return "zq" + "".join(rng.choice("bcdfghjklmnpqrstvwxz") for _ in range(10))


def wait_until_found(recruiter: httpx.Client, word: str, candidate_id: str) -> float:
    """Return the seconds until a search for ``word`` lists the candidate."""
    started = time.perf_counter()
    while time.perf_counter() - started < GIVE_UP_SECONDS:
        answer = recruiter.get("/candidates/search", params={"q": word})
        answer.raise_for_status()
        if any(hit["id"] == candidate_id for hit in answer.json()["hits"]):
            return time.perf_counter() - started
        time.sleep(POLL_SECONDS)
    sys.exit(f"{word} was not found within {GIVE_UP_SECONDS:.0f} s")


def profile_of(candidate: httpx.Client) -> dict[str, Any]:
    """Return what ``PUT /me/profile`` takes, from what ``GET`` gives."""
    shown: dict[str, Any] = candidate.get("/me/profile").raise_for_status().json()
    left_out = {"candidate_id", "id", "state", "missing", "is_opted_in", "confirmed_at", "headline_scrubbed"}
    return {name: value for name, value in shown.items() if name not in left_out and value is not None}


def measure(changes: int, uploads: int) -> dict[str, object]:
    """Change, upload, withdraw; return the figures."""
    told = json.loads((Settings.from_environment().data / "demo.json").read_text(encoding="utf-8"))
    candidate, recruiter = signed_in(told, "candidate"), signed_in(told, "recruiter")
    candidate_id = candidate.get("/me").raise_for_status().json()["candidate_id"]
    rng = Random(time.time_ns())
    profile = profile_of(candidate)
    changed, uploaded = [], []
    for _ in range(changes):
        word = made_up_word(rng)
        candidate.put("/me/profile", json=profile | {"headline": f"Python {word}"}).raise_for_status()
        changed.append(wait_until_found(recruiter, word, candidate_id))
    who = persona(5, SystemClock().today(), country="FR")
    for _ in range(uploads):
        word = made_up_word(rng)
        content = draw(replace(who.resume, about=f"{who.resume.about} {word}"), 0)
        answer = candidate.put("/me/cv", files={"file": ("cv.pdf", content, "application/pdf")})
        answer.raise_for_status()
        uploaded.append(wait_until_found(recruiter, word, candidate_id))
    candidate.put("/me/profile", json=profile).raise_for_status()
    gone = _withdraw(candidate, recruiter, candidate_id)
    return {
        "profile_changes": changes,
        "change_to_searchable_p50_ms": round(percentile(changed, 0.5)),
        "change_to_searchable_p95_ms": round(percentile(changed, 0.95)),
        "uploads": uploads,
        "upload_to_searchable_p50_ms": round(percentile(uploaded, 0.5)),
        "upload_to_searchable_p95_ms": round(percentile(uploaded, 0.95)),
        "gate_ms": GATE_MS,
        "within_gate": percentile(uploaded, 0.95) <= GATE_MS,
        "withdrawn_and_gone_at_once": gone,
    }


def _withdraw(candidate: httpx.Client, recruiter: httpx.Client, candidate_id: str) -> bool:
    """Withdraw and search at once; then opt in again, so that the demonstration stays as it was."""
    terms = candidate.get("/terms").raise_for_status().json()["items"]
    consent = next(item["hash"] for item in terms if item["document"] == "consent_search")
    candidate.delete("/me/opt-in").raise_for_status()
    answer = recruiter.get("/candidates/search", params={"q": "python", "size": 50}).raise_for_status()
    is_gone = all(hit["id"] != candidate_id for hit in answer.json()["hits"])
    candidate.post("/me/opt-in", json={"consent_hash": consent}).raise_for_status()
    return is_gone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--uploads", type=int, default=8)
    arguments = parser.parse_args()
    figures = measure(arguments.changes, arguments.uploads)
    tell("freshness", "From a change to the search that finds it", figures)


if __name__ == "__main__":
    main()

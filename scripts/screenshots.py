# ruff: noqa: INP001, T201  (a script)
"""Take the pictures of the README from a running service with sample data.

    make run                                     # in another window
    .venv/bin/python -m scripts.screenshots      # writes docs/pictures/search-page*.png

Needs Debian's Chromium. Signs in as the demonstration recruiter of ``.marketplace/demo.json``
(or of the data folder that ``MARKETPLACE_DATA`` names) and searches as a recruiter would.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SEARCH = "/recruiter/search?q=d%C3%A9veloppeur+python&job_field=development"
SCREENS = {
    "search-page.png": {"width": 1360, "height": 900},
    "search-page-phone.png": {"width": 390, "height": 844},
}
MOST_BYTES = 250_000


def demonstration() -> tuple[str, dict[str, Any]]:
    """Return the address of the running service and its demonstration recruiter."""
    data = Path(os.environ.get("MARKETPLACE_DATA", ROOT / ".marketplace"))
    told = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    return told["base_url"], next(one for one in told["accounts"] if one["role"] == "recruiter")


def signed_in(browser: Browser, base_url: str, account: dict[str, Any]) -> Page:
    """Return a page of the demonstration recruiter, in French."""
    page = browser.new_context(base_url=base_url, locale="fr").new_page()
    page.goto("/sign-in")
    page.locator("#field-email").fill(account["email"])
    page.locator("#field-password").fill(account["password"])
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/recruiter**")
    return page


def main() -> int:
    """Write the pictures; 1 when one is too heavy for a README."""
    path = shutil.which("chromium")
    if path is None:
        print("no chromium on this machine (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    base_url, account = demonstration()
    PICTURES.mkdir(parents=True, exist_ok=True)
    weights = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--lang=fr"], env={"LANGUAGE": "fr"}
        )
        page = signed_in(browser, base_url, account)
        for name, size in SCREENS.items():
            page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same shape
            page.goto(SEARCH)
            page.screenshot(path=PICTURES / name)
            weights[name] = (PICTURES / name).stat().st_size
            print(f"docs/pictures/{name}: {weights[name]:,} bytes")
        browser.close()
    return int(max(weights.values()) > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())

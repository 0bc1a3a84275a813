"""The browser files we ship are the ones we chose (facts/web-stack.md 3.4)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from marketplace.web.pages import PACKAGE, STATIC, static_url

VENDOR = STATIC / "vendor"
ROOT = PACKAGE.parent
SUMS = {
    name: digest
    for digest, name in (line.split("  ", 1) for line in (VENDOR / "SHA384SUMS").read_text().splitlines())
}


@pytest.mark.parametrize("name", sorted(SUMS))
def test_hashes(name: str) -> None:
    """Each vendored file has the committed SHA-384."""
    digest = hashlib.sha384((VENDOR / name).read_bytes()).digest()
    assert base64.b64encode(digest).decode() == SUMS[name]


def test_nothing_else_is_there() -> None:
    """No file without a hash, and a licence beside each project."""
    assert {path.name for path in VENDOR.iterdir()} - {"SHA384SUMS"} == set(SUMS)
    for project in ("bootstrap", "bootstrap-icons", "htmx", "swagger-ui"):
        assert f"{project}.LICENSE" in SUMS


def test_versions_are_pinned() -> None:
    """Exact versions, integrity kept, no registry named; htmx stays at 2 (npm's latest is 4)."""
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert wanted["htmx.org"].startswith("2.")
    for name, package in lock.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version


def test_addresses_change_with_the_content() -> None:
    """A static address carries the hash of the file, so that it may be kept for a year."""
    digest = hashlib.sha256((STATIC / "app.css").read_bytes()).hexdigest()[:12]
    assert static_url("app.css") == f"/static/app.css?v={digest}"


def test_no_file_points_elsewhere() -> None:
    """No style sheet or script of ours loads anything from another host or a missing source map."""
    for path in [*STATIC.glob("*.css"), *STATIC.glob("*.js"), *VENDOR.glob("*.css"), *VENDOR.glob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert "sourceMappingURL" not in text, path.name
        assert not re.search(r"@import|url\(['\"]?https?:", text), path.name


def _templates() -> list[Path]:
    return sorted(PACKAGE.glob("*/templates/**/*.html"))


@pytest.mark.parametrize("path", _templates(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_templates_have_nothing_inline(path: Path) -> None:
    """W-01, W-04: no inline script, style or handler, nothing marked safe, a token in each POST form."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:",
        text,
        re.IGNORECASE,
    )
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", text)
    for form in re.findall(r"<form\b[^>]*method=.post.*?</form>", text, re.DOTALL | re.IGNORECASE):
        assert "csrf_input" in form


@pytest.mark.parametrize("path", _templates(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_icons_exist(path: Path) -> None:
    """An icon that a page asks for is in the sprite."""
    sprite = (VENDOR / "icons.svg").read_text()
    for name in re.findall(r"\bicon\(['\"]([\w-]+)['\"]", path.read_text(encoding="utf-8")):
        assert f'id="{name}"' in sprite, name

# ruff: noqa: INP001, T201  (a script)
"""Copy the browser files we ship from ``node_modules``, with licences and hashes.

    npm ci --ignore-scripts && python scripts/vendor_static.py

Run by a maintainer when a version in ``package.json`` changes; running and testing need no Node.
``--check`` compares without writing.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "marketplace" / "web" / "static" / "vendor"
HASHES = "SHA384SUMS"

COPIES = {
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "bootstrap.bundle.min.js": "bootstrap/dist/js/bootstrap.bundle.min.js",
    "bootstrap.LICENSE": "bootstrap/LICENSE",
    "bootstrap-icons.LICENSE": "bootstrap-icons/LICENSE",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui.LICENSE": "swagger-ui-dist/LICENSE",
}
BROWSER_TESTS = {"axe.min.js": "axe-core/axe.min.js", "axe.LICENSE": "axe-core/LICENSE"}

ICONS = (
    "arrow-left", "arrow-right", "bell", "box-arrow-in-right", "briefcase", "building", "calendar-event",
    "chat-left-text", "check-circle", "check-lg", "chevron-down", "clock-history", "download",
    "envelope", "exclamation-triangle", "eye", "eye-slash", "file-earmark-pdf", "file-earmark-text",
    "funnel", "geo-alt", "hourglass-split", "info-circle", "mortarboard", "person", "person-check",
    "search", "shield-check", "shield-lock", "sliders", "trash", "translate", "upload", "x-lg",
)  # fmt: skip


def icon_sprite() -> bytes:
    """Return a sprite of the icons we use, cut from the whole set."""
    symbols = []
    for name in ICONS:
        svg = (MODULES / "bootstrap-icons" / "icons" / f"{name}.svg").read_text()
        box = re.search(r'viewBox="([^"]+)"', svg)
        inner = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
        if box is None or inner is None:
            raise SystemExit(f"icon {name} is not as expected")
        drawing = "".join(inner[1].splitlines())
        symbols.append(f'<symbol id="{name}" viewBox="{box[1]}" fill="currentColor">{drawing}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def without_source_map(content: bytes) -> bytes:
    """Drop the pointer to a source map that we do not ship (browsers ask for it)."""
    return re.sub(rb"\n?(/\*|//)# sourceMappingURL=[^\n]*\n?", b"\n", content)


def vendored() -> dict[Path, bytes]:
    """Return each file to write with its content."""
    files = {
        VENDOR / name: without_source_map((MODULES / source).read_bytes()) for name, source in COPIES.items()
    }
    files[VENDOR / "icons.svg"] = icon_sprite()
    sums = "".join(
        f"{base64.b64encode(hashlib.sha384(content).digest()).decode()}  {path.name}\n"
        for path, content in sorted(files.items())
    )
    files[VENDOR / HASHES] = sums.encode()
    files.update(
        {
            ROOT / "tests" / "browser" / name: (MODULES / source).read_bytes()
            for name, source in BROWSER_TESTS.items()
        }
    )
    return files


def main() -> None:
    if not MODULES.is_dir():
        raise SystemExit("node_modules is missing: npm ci --ignore-scripts")
    check = "--check" in sys.argv[1:]
    changed = []
    for path, content in vendored().items():
        if not path.exists() or path.read_bytes() != content:
            changed.append(str(path.relative_to(ROOT)))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    print("\n".join(changed) or "nothing to do")
    if check and changed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

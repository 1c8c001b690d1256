# SPDX-License-Identifier: BSL-1.0
"""Check the links of a folder of HTML: every file and anchor exists, and nothing is loaded from elsewhere."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "form": "action"}
STYLE_ADDRESS = re.compile(r"url\(\s*['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)")


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[tuple[str, bool]] = []  # an address, and whether the page loads it
        self.anchors: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.append(values["id"])
        attribute = LOADING.get(tag, "href" if tag == "a" else "")
        if (address := values.get(attribute)) is not None:
            loads = tag != "a" and not (tag == "link" and values.get("rel") in ("next", "prev", "search", "index"))
            self.links.append((address, loads))


def wrong(site: Path) -> tuple[list[str], str]:
    """What is wrong, and how much was checked."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    counts = Counter()
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name}: the anchor {anchor} is there {n} times" for anchor, n in Counter(page.anchors).items() if n > 1]
        for address, loads in page.links:
            if why := problem(site, pages, path, address, loads, counts):
                found.append(f"{name}: {address}: {why}")
    for style in sorted(site.rglob("*.css")):
        for match in STYLE_ADDRESS.finditer(style.read_text(encoding="utf-8")):
            address = match[1] or match[2]
            if not address.startswith(("data:", "#")) and not (style.parent / address).is_file():
                found.append(f"{style.relative_to(site)}: {address}: there is no such file")
    return found, f"{len(pages)} pages, {counts['inside']} links between them, {counts['anchors']} of them to anchors, {counts['outside']} to elsewhere"


def problem(site: Path, pages: dict[Path, Page], path: Path, address: str, loads: bool, counts: Counter) -> str:
    parts = urlsplit(address)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        counts["outside"] += 1
        if loads:
            return "the page loads it from elsewhere"
        return "" if parts.scheme == "https" and "." in parts.netloc and not re.search(r"\s", address) else "it is no address of the Web by https"
    counts["inside"] += 1
    if address.startswith("/"):
        return "the address is absolute, so the site works in no subfolder"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(site.resolve()) or not target.is_file():
        return "there is no such file"
    if parts.fragment:
        counts["anchors"] += 1
        if target in pages and unquote(parts.fragment) not in pages[target].anchors:
            return "there is no such anchor"
    return ""

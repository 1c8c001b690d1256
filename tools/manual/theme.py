# SPDX-License-Identifier: BSL-1.0
"""Make the files of Furo work without a web server of Debian.

Debian compiles Furo's style sheet with sassc, which drops the rule for a dark system, and leaves an import by an absolute
address. Its script imports a module, which a page that is opened from a file cannot. A Furo that has none of this is left
as it is. The index of the search gets an order, which Sphinx leaves to chance.
"""

import json
import re
from pathlib import Path

from lab import LabError

IMPORT_STYLE = re.compile(r"^@import url\(/javascript/(.*?)\);\n", re.M)
IMPORT_SCRIPT = re.compile(r'^import \w+ from "\./(.*?)";\n', re.M)
DARK = re.compile(r'@media not print \{\s*body\[data-theme="dark"\] (\{[^}]*\})')
AUTOMATIC = "@media screen and (prefers-color-scheme: dark) { body:not([data-theme=light]) %s }\n"
PARTS = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="Page">',
    '<p class="caption" role="heading">': '<p class="caption">',
    '<th class="head"><p></p></th>': '<td></td>',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}
PRELOAD = re.compile(r'<link rel="preload"[^>]*>')  # a page that is opened from a file must not
SHARED = Path("/usr/share/javascript")


def repair(static: Path) -> None:
    style = static / "styles/furo.css"
    text = IMPORT_STYLE.sub(lambda match: (SHARED / match[1]).read_text(encoding="utf-8"), style.read_text(encoding="utf-8"))
    if "prefers-color-scheme" not in text:
        dark = DARK.search(text)
        if not dark:
            raise LabError("the style sheet of Furo has no colours for a dark page")
        text += AUTOMATIC % dark[1]
    style.write_text(text, encoding="utf-8")
    script = static / "scripts/furo.js"
    text = IMPORT_SCRIPT.sub(lambda match: (script.parent / match[1]).read_text(encoding="utf-8"), script.read_text(encoding="utf-8"))
    script.write_text(text, encoding="utf-8")


def repair_page(text: str) -> str:
    """Names for the parts of the page, and keys for what scrolls, which Furo and Sphinx leave out."""
    text = PRELOAD.sub("", text)
    for old, new in PARTS.items():
        text = text.replace(old, new)
    return text


def sorted_index(script: str) -> str:
    """The index of the search with the places of each title in order: two builds have the same bytes then."""
    begin, end = script.index("(") + 1, script.rindex(")")
    index = json.loads(script[begin:end])
    index["alltitles"] = {title: sorted(places) for title, places in sorted(index["alltitles"].items())}
    return script[:begin] + json.dumps(index, separators=(",", ":"), ensure_ascii=False) + script[end:]

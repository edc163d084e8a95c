"""Reads the documentation: its pages, and the code, links and headings that they hold."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>```+)(?P<info>.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]\[]*\]\((?P<target>[^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.*?)\s*#*$")


class Block(NamedTuple):
    """A fenced block: its info string, its first line in the page, its code, its heading."""

    info: str
    line: int
    code: str
    section: str


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """The path of a page within the checkout."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    lines = page.read_text(encoding="utf-8").splitlines()
    opened: re.Match[str] | None = None
    start = 0
    section = ""
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        heading = _HEADING.match(line)
        if opened is None and heading:
            section = heading["text"]
        elif opened is None and fence:
            opened, start = fence, number + 1
        elif opened is not None and line.strip() == opened["marks"]:
            indent = len(opened["indent"])
            code = "\n".join(each[indent:] for each in lines[start - 1 : number - 1])
            found.append(Block(opened["info"].strip(), start, code + "\n", section))
            opened = None
    assert opened is None, f"{name_of(page)}:{start}: the block is not closed"
    return found


def links(page: Path) -> Iterator[str]:
    """The targets of all links of a page."""
    for line in _prose(page):
        for link in _LINK.finditer(re.sub(r"`[^`]*`", "code", line)):
            yield link["target"]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    slugs: list[str] = []
    for line in _prose(page):
        heading = _HEADING.match(line)
        if heading:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            repeats = sum(1 for known in slugs if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known))
            slugs.append(f"{slug}-{repeats}" if repeats else slug)
    return set(slugs)


def _prose(page: Path) -> Iterator[str]:
    fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield line


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten what a page waits between two looks: nobody reads here."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.02)))

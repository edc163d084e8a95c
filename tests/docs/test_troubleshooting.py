"""The texts of the troubleshooting page are texts of the SDK, word for word."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .markdown import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = ROOT / "docs" / "guides" / "troubleshooting.md"
_PACKAGE = ROOT / "src" / "tesote_sdk"
_ANY = "..."


def test_every_text_is_in_the_source() -> None:
    texts = list(_texts())
    sources = set(_literals())

    assert len(texts) > 50
    unknown = [text for text in texts if not any(map(_pattern(text).search, sources))]
    assert not unknown


def _texts() -> Iterator[str]:
    """The texts in the first column of each table."""
    for line in _PAGE.read_text(encoding="utf-8").splitlines():
        cells = line.split(" | ")
        if line.startswith("| `") and len(cells) == 3:
            yield from re.findall("`([^`]+)`", cells[0])


def _literals() -> Iterator[str]:
    """The texts of the package, with dots for what is filled in."""
    for file in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", None) for part in node.values]
                yield "".join([part if isinstance(part, str) else _ANY for part in parts])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.replace("%s", _ANY)


def _pattern(text: str) -> re.Pattern[str]:
    """What finds a text in another, where dots stand for anything."""
    return re.compile(".*".join(map(re.escape, text.split(_ANY))), re.DOTALL)

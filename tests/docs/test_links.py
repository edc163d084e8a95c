"""Every link within the README and the documentation leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from .markdown import ROOT, anchors, links, name_of, pages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_of_a_page_resolves(page: Path) -> None:
    broken = [target for target in links(page) if not _resolves(page, target)]

    assert not broken


def test_every_page_can_be_reached_from_the_map() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md", ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [_file(page, target) for target in links(page) if _is_ours(target)]

    assert {name_of(page) for page in pages()} <= {name_of(page) for page in reached}


def test_no_link_leaves_the_checkout_for_a_page_that_is_in_it() -> None:
    leaving = [
        (name_of(page), target)
        for page in pages()
        for target in links(page)
        if re.match("https://github.com/tesote/sdk-python/(blob|tree)/", target)
    ]

    assert not leaving


def _is_ours(target: str) -> bool:
    return not re.match("(https?|mailto):", target)


def _file(page: Path, target: str) -> Path:
    path = unquote(target.partition("#")[0])
    return (page.parent / path).resolve() if path else page


def _resolves(page: Path, target: str) -> bool:
    if not _is_ours(target):
        return not target.startswith("http:")
    file = _file(page, target)
    anchor = target.partition("#")[2]
    return file.exists() and (not anchor or anchor in anchors(file))

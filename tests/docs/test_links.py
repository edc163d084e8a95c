"""Every link within the README and the documentation leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from .markdown import PUBLISHED, ROOT, anchors, links, name_of, pages

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


def test_the_readme_has_no_relative_link_for_pypi_would_not_resolve_it() -> None:
    relative = [each for each in links(ROOT / "README.md") if not each.startswith(("http", "#"))]

    assert not relative


def _is_ours(target: str) -> bool:
    return target.startswith(PUBLISHED) or not re.match("(https?|mailto):", target)


def _file(page: Path, target: str) -> Path:
    path = unquote(target.partition("#")[0])
    if path.startswith(PUBLISHED):
        return ROOT / path[len(PUBLISHED) :]
    return (page.parent / path).resolve() if path else page


def _resolves(page: Path, target: str) -> bool:
    if not _is_ours(target):
        return not target.startswith("http:")
    file = _file(page, target)
    anchor = target.partition("#")[2]
    return file.exists() and (not anchor or anchor in anchors(file))

"""The sandbox's floors: who may import whom, read from the source, annotations included."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import tesote_sdk.sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(tesote_sdk.sandbox.__file__).parent

FLOORS = [
    ("_settings",),
    ("_wire",),
    ("_state",),
    ("_endpoints",),
    ("_faults", "_workspace"),
    ("_application",),
    ("_sandbox",),
    ("", "__main__"),
]
"""The parts of the package from the ground up; the package itself has no name within itself."""


def imports() -> dict[str, set[str]]:
    """What each module of the sandbox imports, by the dotted name below the sandbox."""
    files = {name_of(path): path for path in ROOT.rglob("*.py")}
    graph = {}
    for name, path in files.items():
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        graph[name] = {
            found if found in files else found.rpartition(".")[0]
            for found in imported(ast.parse(path.read_text("utf-8")), [*filter(None, package)])
        }
    return graph


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(tree: ast.Module, package: list[str]) -> Iterator[str]:
    """Every name that is imported from below the sandbox; anything else of the SDK is refused."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not [name for name in node.names if name.name.startswith("tesote_sdk")]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert not (node.module or "").startswith("tesote_sdk"), node.module
        elif isinstance(node, ast.ImportFrom):
            up = node.level - 1
            assert up <= len(package), f"{node.module} lies outside the sandbox"
            base = package[: len(package) - up] + (node.module.split(".") if node.module else [])
            yield from (".".join([*base, name.name]) for name in node.names)


def test_arrows_point_down_or_stay_on_their_floor() -> None:
    heights = {part: height for height, parts in enumerate(FLOORS) for part in parts}
    upward = [
        f"{name} imports {other}"
        for name, others in imports().items()
        for other in others
        if heights[other.split(".")[0]] > heights[name.split(".")[0]]
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: others - {name} for name, others in imports().items()}
    while graph:
        imported_by_some = set().union(*graph.values())
        outside = [name for name in graph if not graph[name] or name not in imported_by_some]
        assert outside, f"a circle: {graph}"
        for name in outside:
            del graph[name]
        graph = {name: others & graph.keys() for name, others in graph.items()}


def test_each_module_of_the_sandbox_stands_on_a_floor() -> None:
    parts = {name.split(".")[0] for name in imports()}
    assert parts == {part for floor in FLOORS for part in floor}

"""The table of faults in the documentation names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

_HERE = Path(__file__).parent
_TABLE = _HERE.parents[1] / "docs" / "architecture" / "transport.md"


def test_every_test_of_the_table_exists() -> None:
    pattern = r"`((?:transport/)?test_\w+\.py)::(test_\w+)(?:\[(\w+)\])?`"
    named = re.findall(pattern, _TABLE.read_text("utf-8"))
    assert len(named) > 50
    tables = (_HERE / "tables.py").read_text("utf-8")
    for file, function, parameter in named:
        source = (_HERE.parent / file if "/" in file else _HERE / file).read_text("utf-8")
        assert f"\ndef {function}(" in source, f"{file}::{function}"
        assert not parameter or f'"{parameter}": ' in source + tables, f"{file}: {parameter}"

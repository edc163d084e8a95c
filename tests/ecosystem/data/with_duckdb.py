# needs: duckdb pyarrow
"""DuckDB adds Decimals exactly."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from tests.ecosystem.data.samples import check_totals, guide_section
from tests.ecosystem.support import check, tell


def prove() -> str:
    with guide_section("DuckDB") as names:
        check_totals(names, dict(names["totals"]))
        floats = pa.Table.from_pylist(names["floats"])
        ((total,),) = duckdb.sql("SELECT sum(amount) FROM floats").fetchall()
        check(isinstance(total, float) and len(floats) > 0, f"a sum of floats is {total!r}")
    return "exact sums of Decimals, and floats"


if __name__ == "__main__":
    tell(prove)

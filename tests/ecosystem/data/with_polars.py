# needs: polars
"""polars reads all pages, unnests objects, and adds Decimals exactly."""

from __future__ import annotations

import polars as pl

from tests.ecosystem.data.samples import ACCOUNTS, check_totals, guide_section
from tests.ecosystem.support import check, tell


def prove() -> str:
    with guide_section("polars") as names:
        check(len(names["accounts"]) == ACCOUNTS, f"the frame has {len(names['accounts'])} rows")
        check("currency" in names["flat"].columns, "unnest makes no columns")
        check_totals(names, dict(names["by_currency"].iter_rows()))
        kind = pl.DataFrame(names["floats"]).schema["amount"]
        check(kind == pl.Float64, f"floats are {kind}")
    return "120 accounts of all pages, nested objects as columns, exact Decimals, floats"


if __name__ == "__main__":
    tell(prove)

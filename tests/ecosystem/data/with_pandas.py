# needs: pandas
"""pandas reads all pages, makes columns of nested objects, and adds Decimals exactly."""

from __future__ import annotations

import pandas as pd

from tests.ecosystem.data.samples import ACCOUNTS, check_totals, guide_section
from tests.ecosystem.support import check, tell


def prove() -> str:
    with guide_section("pandas") as names:
        rows = len(names["accounts"])
        check(rows == ACCOUNTS, f"pd.DataFrame(page) has {rows} rows")
        check("data.currency" in names["flat"].columns, "json_normalize makes no columns")
        check(names["balances"].dtype.kind == "i", f"balances are {names['balances'].dtype}")
        check_totals(names, names["by_currency"].to_dict())
        kind = pd.DataFrame(names["floats"])["amount"].dtype.kind
        check(kind == "f", f"floats are {kind}")
    return "120 accounts of all pages, nested objects as columns, exact Decimals, floats"


if __name__ == "__main__":
    tell(prove)

# needs: pyarrow
"""pyarrow takes Decimals into Parquet and back."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from tests.ecosystem.data.samples import guide_section
from tests.ecosystem.support import check, tell


def prove() -> str:
    with guide_section("pyarrow") as names:
        back = pq.read_table("transactions.parquet").to_pylist()
        check(back == names["rows"], "what comes out of Parquet is not what went in")
        kind = pa.Table.from_pylist(names["floats"]).schema.field("amount").type
        check(kind == pa.float64(), f"floats are {kind}")
    return "rows with Decimals and dates came out of Parquet as they went in; floats"


if __name__ == "__main__":
    tell(prove)

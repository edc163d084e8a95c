# needs: sqlalchemy
"""SQLAlchemy takes the guide's rows into a table and gives them back, to the cent."""

from __future__ import annotations

import warnings
from unittest import mock

import sqlalchemy

from tests.ecosystem.data.samples import guide_section
from tests.ecosystem.support import check, tell


def prove() -> str:
    # The guide's database is a PostgreSQL; SQLite, which is here, has no exact type of its own.
    warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
    memory = sqlalchemy.create_engine("sqlite://")
    here = mock.patch("sqlalchemy.create_engine", return_value=memory)
    with here, guide_section("SQLAlchemy") as names:
        table, expected = names["transactions"], names["rows"]
        check(names["total"] == sum(row["amount"] for row in expected), names["total"])
        with memory.begin() as connection:
            back = [dict(row) for row in connection.execute(table.select()).mappings()]
            connection.execute(table.delete())
            connection.execute(table.insert(), names["floats"])
    check(back == expected, "what comes out of the table is not what went in")
    return "rows with Decimals and dates came out of a table as they went in; floats"


if __name__ == "__main__":
    tell(prove)

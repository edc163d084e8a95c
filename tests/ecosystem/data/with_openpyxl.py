# needs: openpyxl
"""openpyxl takes Decimals and dates, and account numbers stay text."""

from __future__ import annotations

from openpyxl import load_workbook

from tests.ecosystem.data.samples import guide_section
from tests.ecosystem.support import check, tell


def prove() -> str:
    with guide_section("Excel") as names:
        sheet = load_workbook("transactions.xlsx").active
        header, *found = sheet.iter_rows(values_only=True)
        check(list(header) == list(names["rows"][0]), f"the header is {header}")
        for values, row in zip(found, names["rows"]):
            cents = (round(values[3] * 100), int(row["amount"] * 100))
            check(cents[0] == cents[1], f"{cents[1]} cents became {cents[0]}")
            check(values[2].date() == row["date"], f"{row['date']} became {values[2]}")
        check(len(found) == len(names["rows"]), f"{len(found)} rows came back")
        formulas = [cell.value for cell in sheet["F"] if cell.data_type == "f"]
        check(not formulas, f"a text became a formula: {formulas}")
        names["sheet"].append(list(names["floats"][0].values()))
    return "Decimals to the cent, dates, floats, and no formula of a name that looks like one"


if __name__ == "__main__":
    tell(prove)

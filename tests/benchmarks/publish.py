"""Makes the chart and the tables in docs/architecture of the figures that are kept beside them:

python -m tests.benchmarks.publish
"""

from __future__ import annotations

import json
from pathlib import Path

from .chart import draw
from .tables import filled

FIGURES = Path(__file__).parents[2] / "docs" / "architecture" / "performance.json"
CHART = FIGURES.with_suffix(".svg")
PAGE = FIGURES.with_suffix(".md")


def made() -> dict[Path, str]:
    """Return what the files must hold."""
    runs = json.loads(FIGURES.read_text("utf-8"))
    return {CHART: draw(runs), PAGE: filled(PAGE.read_text("utf-8"), runs)}


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text, "utf-8")

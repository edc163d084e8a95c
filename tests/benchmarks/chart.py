"""Draws what a call takes with the SDK and with each peer, as an SVG made of the figures' file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from .calls import ACCOUNTS, LOGGED, STATUS
from .figures import read_figures, versions_of

if TYPE_CHECKING:
    from .rounds import Spread

_SDK = "tesote-sdk"
_PANELS = {STATUS: "status(), a small answer", ACCOUNTS: "50 accounts, 30 KB of JSON"}

_CONNECTIONS = "Over a kept-alive connection; urllib.request opens one for each call."

_WIDTH = 820
_LABELS = 150
"""Pixels of the names before the first panel."""
_GAP = 36
_PANEL = (_WIDTH - _LABELS - 2 * _GAP) // 2
_VALUE = 46
"""Pixels at a panel's end for the longest bar's number."""
_TOP = 112
_ROW = 26
_BAR = 14

# The picture brings its own background, so that it can be read on any page.
_STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de }
  text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
  .value { stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
  .title { font-size: 16px; font-weight: 600 }
  .panel { font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .name { text-anchor: end }
  .ours { font-weight: 600 }
  .bar { fill: #9aa7b5 }
  .bar.ours { fill: #1f6feb }
  .whisker { stroke: #1f2328; stroke-width: 1.2; fill: none }
  .one { stroke: #1f6feb; stroke-width: 1; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .value { stroke: #0d1117 }
    .quiet { fill: #9198a1 }
    .bar { fill: #656c76 }
    .bar.ours { fill: #4493f8 }
    .whisker { stroke: #f0f6fc }
    .one { stroke: #4493f8 }
  }
"""


def draw(runs: dict[str, Any]) -> str:
    """Return the chart of the newest version of Python that figures were taken with."""
    version = versions_of(runs)[-1]
    bars = {case: _bars(runs, version, case) for case in _PANELS}
    names = sorted(bars[STATUS], key=lambda name: sum(bars[case][name][1] for case in _PANELS))
    height = _TOP + _ROW * len(names) + 40
    run = runs[version]
    about = f"Python {run['python']}, {run['server']} on loopback, {run['date']}"
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        "<title>What a call takes, as a multiple of the SDK's time</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>',
        _text(20, 32, "What a call takes, as a multiple of the SDK's time", "title"),
        _text(20, 54, f"{_CONNECTIONS} A shorter bar is a faster call.", "quiet"),
    ]
    for row, name in enumerate(names):
        ours = " ours" if name == _SDK else ""
        parts.append(_text(_LABELS, _middle(row) + 4, name, f"name{ours}"))
    for column, (case, title) in enumerate(_PANELS.items()):
        left = _LABELS + 12 + column * (_PANEL + _GAP)
        scale = (_PANEL - _VALUE) / max(high for *_, high in bars[case].values())
        one, bottom = left + scale, _TOP + _ROW * len(names)
        parts.append(_text(left, _TOP - 16, title, "panel"))
        parts.append(f'<path class="one" d="M{one:.1f} {_TOP - 4}V{bottom}"/>')
        for row, name in enumerate(names):
            parts.append(_bar(left, _middle(row), scale, bars[case][name], ours=name == _SDK))
    footnote = f"{about}: medians of {run['rounds']} rounds, and their quartiles."
    parts.append(_text(20, height - 16, footnote, "quiet"))
    return "\n".join([*parts, "</svg>", ""])


def _bars(runs: dict[str, Any], version: str, case: str) -> dict[str, tuple[float, float, float]]:
    """Return low, median and high of each peer's time as a multiple of the SDK's."""
    bars = {_SDK: (1.0, 1.0, 1.0)}
    for figure in read_figures(runs, version):
        wanted = (figure.section, figure.case, figure.unit) == ("calls", case, "wall")
        if wanted and figure.against != LOGGED:
            bars[figure.against] = _inverse(figure.spread)
    return bars


def _inverse(spread: Spread) -> tuple[float, float, float]:
    return 1 / spread.high, 1 / spread.median, 1 / spread.low


def _middle(row: int) -> float:
    return _TOP + _ROW * (row + 0.5)


def _bar(
    left: int, middle: float, scale: float, spread: tuple[float, float, float], *, ours: bool
) -> str:
    low, median, high = (value * scale for value in spread)
    top = middle - _BAR / 2
    kind = " ours" if ours else ""
    bar = (
        f'<rect class="bar{kind}" x="{left}" y="{top:.1f}" width="{median:.1f}" '
        f'height="{_BAR}" rx="2"/>'
    )
    if not ours:
        start, end = left + low, left + high
        bar += (
            f'<path class="whisker" d="M{start:.1f} {middle - 4:.1f}v8M{start:.1f} {middle:.1f}'
            f'H{end:.1f}M{end:.1f} {middle - 4:.1f}v8"/>'
        )
    return bar + _text(left + high + 7, middle + 4, f"{spread[1]:.2f}", f"value{kind}")


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'

"""What the sections of a run share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .figures import Figures
    from .servers import Server
    from .site import Site


class Run(NamedTuple):
    """One run of the benchmarks.

    Attributes:
        server: What is called.
        site: What it serves.
        figures: Takes what was measured.
        rounds: How often the contenders take turns.
        calls: Calls of each in one turn.
        most: The largest number of pages, threads or connections whose growth is looked at.
    """

    server: Server
    site: Site
    figures: Figures
    rounds: int
    calls: int
    most: int

    def sizes(self) -> list[int]:
        """Return the numbers at which growth is looked at."""
        return [size for size in (10, 100, 1000) if size <= self.most]

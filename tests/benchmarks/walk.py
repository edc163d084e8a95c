"""Walking every transaction of an account, against a loop written by hand."""

from __future__ import annotations

import gc
import json
import time
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

from .memory import traced
from .peers import client, connection
from .rounds import Cost, in_turns, ratios, repeated, single, spread
from .site import PER_PAGE
from .targets import HEADERS, target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from http.client import HTTPConnection
    from typing import Callable

    from tesote_sdk import V2Client

    from .rounds import Spread
    from .runs import Run
    from .site import Site
    from .targets import Target

_EARLY_PAGE = 10
_LEGS = 20
"""The parts of a walk that are measured in turns with those of the other."""


def measure(run: Run) -> None:
    """Show how fast a walk is, how its cost grows with the pages, and its memory."""
    site = run.site
    called = target(run.server, "accounts")
    walks = max(1, run.rounds // 10)
    with ExitStack() as stack:
        walker = client(called, stack)
        by_hand = connection(called, stack)
        costs = in_turns(
            {
                "sdk": _legs(lambda: _walk(walker, site)),
                "by hand": _legs(lambda: _walk_by_hand(by_hand, called, site)),
            },
            walks * _LEGS,
        )
        faster = ratios(costs["by hand"], costs["sdk"])
        title = f"a walk of {site.pages} pages"
        run.figures.add(f"{title}, items a second", "http.client", "wall", faster.wall)
        run.figures.add(f"{title}, items a second", "http.client", "CPU", faster.cpu)
        run.figures.add(f"{title}, last quarter", "first quarter", "CPU", _growth(costs["sdk"]))
        grown = _memory_growth(walker, site) / 1024
        run.figures.add(f"{title}, memory since page {_EARLY_PAGE}", "", "KiB", single(grown))
        _measure_growth(run, walker, walks)


def _measure_growth(run: Run, walker: V2Client, walks: int) -> None:
    """Show what a page costs in walks of more and more pages."""
    sizes = [size for size in run.sizes() if size <= run.site.pages]
    costs = in_turns({str(size): _walk_of(walker, run.site, size) for size in sizes}, walks)
    for size in sizes[1:]:
        run.figures.compare(
            f"a page of {size}", f"a page of {sizes[0]}", costs[str(size)], costs[str(sizes[0])]
        )


def _walk_of(walker: V2Client, site: Site, pages: int) -> Callable[[], Cost]:
    """Return a measure of one page in a walk that ends after some."""

    def walk() -> None:
        transactions = walker.transactions.list_for_account(site.account_id, per_page=PER_PAGE)
        for transaction in islice(transactions, pages * PER_PAGE):
            transaction["data"]["amount_cents"]

    whole = repeated(walk, 1)

    def measure() -> Cost:
        wall, cpu = whole()
        return Cost(wall / pages, cpu / pages)

    return measure


def _walk(client: V2Client, site: Site) -> Iterator[int]:
    """Add all amounts up; yield after each leg."""
    amounts = 0
    leg = site.pages * PER_PAGE // _LEGS
    transactions = client.transactions.list_for_account(site.account_id, per_page=PER_PAGE)
    for seen, transaction in enumerate(transactions, start=1):
        amounts += transaction["data"]["amount_cents"]
        if seen % leg == 0:
            yield amounts


def _walk_by_hand(connection: HTTPConnection, called: Target, site: Site) -> Iterator[int]:
    amounts = 0
    seen = 0
    leg = site.pages * PER_PAGE // _LEGS
    path = f"{called.path}/{site.account_id}/transactions?per_page={PER_PAGE}"
    cursor = ""
    while True:
        connection.request("GET", path + cursor, headers=HEADERS)
        reply = json.loads(connection.getresponse().read())
        for transaction in reply["transactions"]:
            amounts += transaction["data"]["amount_cents"]
            seen += 1
            if seen % leg == 0:
                yield amounts
        if not reply["pagination"]["has_more"]:
            return
        cursor = f"&transactions_after_id={reply['pagination']['after_id']}"


def _legs(walk: Callable[[], Iterator[int]]) -> Callable[[], Cost]:
    """Return a measure of one leg; after the last comes the first of another walk."""
    walking: Iterator[int] = iter(())

    def measure() -> Cost:
        nonlocal walking
        wall, cpu = time.perf_counter(), time.process_time()
        if next(walking, None) is None:
            walking = walk()
            wall, cpu = time.perf_counter(), time.process_time()
            next(walking)
        return Cost(time.perf_counter() - wall, time.process_time() - cpu)

    return measure


def _growth(costs: Sequence[Cost]) -> Spread:
    walks = [costs[start : start + _LEGS] for start in range(0, len(costs), _LEGS)]
    quarter = _LEGS // 4
    return spread(
        [
            sum(cost.cpu for cost in legs[-quarter:]) / sum(cost.cpu for cost in legs[:quarter])
            for legs in walks
        ]
    )


def _memory_growth(client: V2Client, site: Site) -> int:
    """Return the bytes that Python holds more at the last page than at an early one."""
    held = []
    with traced() as allocated:
        transactions = client.transactions.list_for_account(site.account_id, per_page=PER_PAGE)
        for seen, _ in enumerate(transactions, start=1):
            if seen in (_EARLY_PAGE * PER_PAGE, site.pages * PER_PAGE):
                gc.collect()
                held.append(allocated())
    return held[-1] - held[0]

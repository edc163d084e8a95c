# needs:
"""Fork, spawn and forkserver: each worker has its own connections, and errors come back whole."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.ecosystem.support import SandboxProcess, check_each, tell
from tests.ecosystem.workers import jobs


def prove() -> str:
    methods = [name for name in multiprocessing.get_all_start_methods() if name != "thread"]
    with SandboxProcess(accounts=60, transactions=1) as api:
        jobs.client().status()  # a connection is open when workers are forked
        held = check_each({method: partial(_try, method, api.account_ids) for method in methods})
        jobs.lose_answers(api)
        check_each({method: partial(_lose, method, api.account_ids[0]) for method in methods})
    return f"240 accounts, a refusal and a lost payment from four processes each: {held}"


def _try(method: str, account_ids: list[str]) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        jobs.check_accounts(list(pool.map(jobs.account, account_ids * 4)))
        jobs.check_refused(lambda: pool.submit(jobs.refuse).result(timeout=30))
    with context.Pool(4) as plain:
        jobs.check_accounts(plain.map(jobs.account, account_ids))
        jobs.check_refused(lambda: plain.apply(jobs.refuse))


def _lose(method: str, account_id: str) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        jobs.check_lost(lambda: pool.submit(jobs.lose_a_payment, account_id).result(timeout=30))


if __name__ == "__main__":
    tell(prove)

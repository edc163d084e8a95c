# needs: apscheduler<4
"""APScheduler's jobs in threads and in processes: results and errors come back whole."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from tests.ecosystem.support import SandboxProcess, check, check_each, tell
from tests.ecosystem.workers import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTORS: dict[str, Any] = {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor}


def prove() -> str:
    with SandboxProcess(accounts=40, transactions=1) as api:
        jobs.client().status()  # a connection is open when workers are forked
        held = check_each(
            {name: partial(_try, make(2), api.account_ids) for name, make in EXECUTORS.items()}
        )
    return f"40 accounts and a refusal each: {held}"


def _try(executor: Any, account_ids: list[str]) -> None:
    done: list[Any] = []
    all_done = threading.Event()

    def listen(event: Any) -> None:
        done.append(event)
        if len(done) == len(account_ids) + 1:
            all_done.set()

    scheduler = BackgroundScheduler(executors={"default": executor}, timezone="UTC")
    scheduler.add_listener(listen, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.start()
    for each in account_ids:
        scheduler.add_job(jobs.account, args=[each], misfire_grace_time=60)
    scheduler.add_job(jobs.refuse, misfire_grace_time=60)
    check(all_done.wait(60), f"only {len(done)} of {len(account_ids) + 1} jobs ended")
    scheduler.shutdown()
    jobs.check_accounts([event.retval for event in done if event.exception is None])
    (error,) = (event.exception for event in done if event.exception is not None)
    jobs.check_refused(_raiser(error))


def _raiser(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


if __name__ == "__main__":
    tell(prove)

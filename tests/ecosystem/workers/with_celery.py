# needs: celery gevent
# limit: 180
"""What a Celery task raises arrives whole: JSON results and pickled ones, prefork and gevent."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.ecosystem.support import SandboxProcess, Server, check, check_each, tell
from tests.ecosystem.workers import jobs

APP = "tests.ecosystem.workers.celery_app"
CONFIG = "tests.ecosystem.workers.celery_config"
WORKER = [
    *(sys.executable, "-m", "celery", "-A", APP, "worker"),
    *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--concurrency", "3"),
]
MODES = {
    f"{pool} {serializer}": (pool, serializer)
    for pool in ("prefork", "gevent")
    for serializer in ("json", "pickle")
}


def prove() -> str:
    held = check_each({name: partial(_try, *mode) for name, mode in MODES.items()})
    return f"results and errors arrive with class, code, request id, key and outcome: {held}"


def _try(pool: str, serializer: str) -> None:
    with tempfile.TemporaryDirectory() as folder, SandboxProcess(accounts=12) as api:
        for name in ("queue", "control", "results"):
            Path(folder, name).mkdir()
        os.environ.update(
            CELERY_FOLDER=folder, CELERY_SERIALIZER=serializer, CELERY_CONFIG_MODULE=CONFIG
        )
        jobs.client.cache_clear()
        for module in (CONFIG, APP):
            sys.modules.pop(module, None)
        tasks = importlib.import_module(APP)
        with Worker([*WORKER, "--pool", pool], C_FORCE_ROOT="1"):
            _look(tasks, api)


def _look(tasks: Any, api: SandboxProcess) -> None:
    waiting = [tasks.account.delay(each) for each in api.account_ids]
    jobs.check_accounts([each.get(timeout=30) for each in waiting])
    _pay_twice(tasks, api)
    jobs.lose_answers(api)
    check_each(
        {
            "refused": lambda: jobs.check_refused(lambda: tasks.refuse.delay().get(timeout=30)),
            "lost": lambda: jobs.check_lost(
                lambda: tasks.lose_a_payment.delay(api.account_ids[0]).get(timeout=30)
            ),
        }
    )


def _pay_twice(tasks: Any, api: SandboxProcess) -> None:
    """Have the guide's task fail, be tried again by Celery, and be sent a second time."""
    api.tell("drop", when="after_processing", times=8, path="*/transaction_orders")
    supplier = {"name": "Harinas del Sur C.A.", "bank_code": "0199"}
    arguments = (api.account_ids[0], "HS-1", "1530.25", "USD", supplier)
    first, second = (tasks.order_payment.delay(*arguments).get(timeout=30) for _ in range(2))
    check(first == second, "a task that ran twice made two orders")


class Worker(Server):
    """A worker listens to no port; a task that comes too early waits for it."""

    def __enter__(self) -> Worker:
        return self


if __name__ == "__main__":
    tell(prove)

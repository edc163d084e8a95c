"""Celery over files: nothing but two processes and a folder is needed."""

from __future__ import annotations

import os
from pathlib import Path

_folder = Path(os.environ["CELERY_FOLDER"])
_serializer = os.environ["CELERY_SERIALIZER"]

broker_url = "filesystem://"
broker_transport_options = {
    "data_folder_in": str(_folder / "queue"),
    "data_folder_out": str(_folder / "queue"),
    "control_folder": str(_folder / "control"),
    "polling_interval": 0.05,
}
broker_connection_retry_on_startup = True
result_backend = f"file://{_folder / 'results'}"
task_serializer = result_serializer = _serializer
accept_content = ["json", "pickle"]
worker_prefetch_multiplier = 1

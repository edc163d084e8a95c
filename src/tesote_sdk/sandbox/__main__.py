"""`python -m tesote_sdk.sandbox`: serves a sandbox until it is interrupted."""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
import time

from ._sandbox import Sandbox

_SPECIAL = re.compile(r'(?=["$`])')
"""What has a meaning in PowerShell's double quotes, and is taken as it is after a backtick."""


def main(arguments: list[str] | None = None) -> None:
    """Serves a sandbox, and prints what a shell needs to point a client at it."""
    parser = argparse.ArgumentParser(
        prog="python -m tesote_sdk.sandbox",
        description="A Tesote API in memory, on this machine, until it is interrupted.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--api-key", help="the key to accept; made from the seed by default")
    parser.add_argument("--seed", type=int, default=1, help="the data follow from it (%(default)s)")
    parser.add_argument("--accounts", type=int, default=120, help="how many (%(default)s)")
    parser.add_argument(
        "--transactions", type=int, default=40, help="how many in each account (%(default)s)"
    )
    parser.add_argument(
        "--shapes",
        choices=("sdk", "openapi"),
        default="sdk",
        help="whose reading of the disputed shapes to answer in (%(default)s)",
    )
    chosen = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt), Sandbox(**vars(chosen)) as sandbox:
        settings = {"TESOTE_SDK_API_URL": sandbox.url, "TESOTE_SDK_API_KEY": sandbox.api_key}
        lines = [
            f"# Tesote sandbox: {chosen.accounts} accounts. Ctrl-C ends it. To use it, paste:",
            *(f"export {name}={shlex.quote(value)}" for name, value in settings.items()),
            "# or, in PowerShell:",
            *(f'$env:{name} = "{_SPECIAL.sub("`", value)}"' for name, value in settings.items()),
        ]
        print("\n".join(lines), flush=True)
        while True:
            # Windows lets Ctrl-C into a sleep, and into no wait for a lock. One that comes just
            # before a sleep is noticed after it.
            time.sleep(1)


if __name__ == "__main__":
    main()

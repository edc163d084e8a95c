"""The sandbox's side of `SandboxProcess`: questions come as lines of JSON, and so do answers."""

from __future__ import annotations

import json
import sys
from typing import Any

from tesote_sdk.sandbox import Sandbox


def main() -> None:
    """Serve a sandbox until its questions end."""
    with Sandbox(**json.loads(sys.argv[1])) as sandbox:
        _say({"url": sandbox.url, "api_key": sandbox.api_key, "account_ids": sandbox.account_ids})
        for line in sys.stdin:
            method, arguments = json.loads(line)
            if method == "requests":
                _say([_shown(request) for request in sandbox.requests])
            else:
                getattr(sandbox, method)(**arguments)
                _say(None)


def _shown(request: Any) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "body": request.body.decode(),
    }


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

# needs: pyright
"""pyright finds a type for what the SDK exports, and for all that `tesote_sdk.types` does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LEAST = 100
"""Per cent of the exported names whose type any checker knows; it may only grow."""


def verified() -> Any:
    """Return what `pyright --verifytypes` says of the SDK that is installed here.

    Types of other packages are not counted: `Decimal` itself has members without any.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--verifytypes", "tesote_sdk"),
            *("--ignoreexternal", "--outputjson"),
        ],
        # pyright looks where the `python` of the PATH looks.
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=1800,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)


def main() -> float:
    said = verified()
    assert said["typeCompleteness"].get("pyTypedPath"), "is tesote-sdk installed here?"
    ours = [
        symbol
        for symbol in said["typeCompleteness"]["symbols"]
        if symbol["name"].startswith("tesote_sdk.types.")
    ]
    assert len(ours) > 50
    vague = [each["name"] for each in ours if not each["isTypeKnown"] or each["isTypeAmbiguous"]]
    assert not vague, vague
    score = float(said["typeCompleteness"]["completenessScore"]) * 100
    assert score >= LEAST, score
    return score


if __name__ == "__main__":
    reached = main()
    print(f"held: pyright knows the types of {reached:.1f} % of the exported names")

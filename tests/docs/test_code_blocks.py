"""Every block of Python in the README and the documentation runs, and prints what it says.

The blocks of one page run in order, in one namespace, with the API key and the URL of a sandbox in
the environment. Then they run once more. A block of text right after one of Python is what that one
prints; `...` in it stands for anything. A block that cannot run is fenced as `python no-run`. One
fenced as `python program` is a whole program: its own test runs it in a process of its own.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import V1Client, V2Client
from tesote_sdk.sandbox import Sandbox

from .markdown import blocks, hurry, name_of, pages

if TYPE_CHECKING:
    from pathlib import Path

_LANGUAGES = {
    *(
        "python",
        "python no-run",
        "python program",
        "text",
        "sh",
        "toml",
        "json",
        "yaml",
        "ini",
        "diff",
        "sql",
    ),
    "mermaid",
}


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if any(block.info == "python" for block in blocks(page))],
    ids=name_of,
)
def test_the_python_of_a_page_runs_and_runs_again(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Sandbox() as sandbox:
        monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)
        hurry(monkeypatch)
        for _ in range(2):  # a reader who comes back uses the sandbox that is still there
            _run(page)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_block_says_what_language_it_is_in(page: Path) -> None:
    unknown = [(block.line, block.info) for block in blocks(page) if block.info not in _LANGUAGES]

    assert not unknown


def _run(page: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    try:
        _run_blocks(page, namespace)
    finally:
        logging.getLogger("tesote_sdk").setLevel(logging.NOTSET)
        for value in namespace.values():
            if isinstance(value, (V1Client, V2Client, Sandbox)):
                value.close()


def _run_blocks(page: Path, namespace: dict[str, Any]) -> None:
    found = blocks(page)
    for block, following in zip(found, [*found[1:], None]):
        if block.info != "python":
            continue
        # Empty lines first, so that a traceback names the line of the page.
        source = "\n" * (block.line - 1) + block.code
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(  # noqa: S102 - the code is ours
                compile(source, str(page), "exec", dont_inherit=True), namespace
            )
        end = block.line + block.code.count("\n")
        if following is not None and following.info == "text" and following.line - end <= 3:
            _check_output(f"{name_of(page)}:{block.line}", following.code, printed.getvalue())


def _check_output(where: str, expected: str, printed: str) -> None:
    agrees = doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS)
    assert agrees, f"{where} prints\n{printed}\nand not\n{expected}"

"""ExportFile.save: no half-written file, and nothing replaced that should have been written to."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tesote_sdk import ExportFile, InvalidArgumentError
from tesote_sdk.v2.export import _windows_takes
from tests.support.systems import (
    PYPY,
    needs_folder_sync,
    needs_limits,
    needs_links,
    needs_modes,
    needs_named_pipes,
)

from .test_export import CONTENT, exported

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def file() -> ExportFile:
    return exported({"Content-Disposition": 'attachment; filename="march.csv"'})


def test_it_is_saved_under_a_path(file: ExportFile, tmp_path: Path) -> None:
    target = tmp_path / "a name.csv"
    assert file.save(target) == target
    assert file.save(str(tmp_path / "text.csv")) == tmp_path / "text.csv"
    assert target.read_bytes() == CONTENT


def test_it_is_saved_in_a_folder_under_its_own_name(file: ExportFile, tmp_path: Path) -> None:
    assert file.save(tmp_path) == tmp_path / "march.csv"
    assert file.save(f"{tmp_path}/") == tmp_path / "march.csv"
    assert [path.name for path in tmp_path.iterdir()] == ["march.csv"]
    assert (tmp_path / "march.csv").read_bytes() == CONTENT


def test_it_is_saved_in_the_working_folder(
    file: ExportFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert file.save("here.csv") == Path("here.csv")
    assert file.save(".") == Path("march.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"here.csv", "march.csv"}


def test_an_earlier_file_is_replaced(file: ExportFile, tmp_path: Path) -> None:
    (tmp_path / "march.csv").write_bytes(b"of last month" * 100)
    file.save(tmp_path)
    assert (tmp_path / "march.csv").read_bytes() == CONTENT


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@needs_modes
@pytest.mark.usefixtures("usual_umask")
def test_a_new_file_is_for_its_owner_alone(file: ExportFile, tmp_path: Path) -> None:
    assert mode_of(file.save(tmp_path)) == 0o600


@needs_modes
@pytest.mark.usefixtures("usual_umask")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_a_file_that_is_replaced_passes_on_its_mode(
    file: ExportFile, tmp_path: Path, mode: int
) -> None:
    earlier = tmp_path / "march.csv"
    earlier.touch()
    earlier.chmod(mode)
    assert mode_of(file.save(tmp_path)) == mode
    assert earlier.read_bytes() == CONTENT


@needs_modes
@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="only root makes files of others"
)
def test_a_file_that_is_replaced_passes_on_its_owner(file: ExportFile, tmp_path: Path) -> None:
    earlier = tmp_path / "march.csv"
    earlier.touch()
    os.chown(earlier, 12_345, 54_321)
    earlier.chmod(0o640)
    file.save(tmp_path)
    assert (earlier.stat().st_uid, earlier.stat().st_gid) == (12_345, 54_321)
    assert mode_of(earlier) == 0o640


@needs_modes
def test_what_a_group_may_do_is_not_passed_on_to_another_group(
    file: ExportFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "march.csv"
    earlier.touch()
    earlier.chmod(0o664)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    assert mode_of(file.save(tmp_path)) == 0o604


@needs_links
def test_a_link_is_followed(file: ExportFile, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    link = tmp_path / "latest.csv"
    link.symlink_to("archive/march.csv")
    for _ in range(2):  # at first it leads to no file yet
        assert file.save(link) == link
        assert link.is_symlink()
        assert (tmp_path / "archive" / "march.csv").read_bytes() == CONTENT
        (tmp_path / "archive" / "march.csv").write_bytes(b"of last month")
    assert [path.name for path in (tmp_path / "archive").iterdir()] == ["march.csv"]


@needs_links
def test_a_link_that_leads_in_a_circle_is_an_error(file: ExportFile, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links"):
        file.save(tmp_path / "one")


@needs_named_pipes
def test_a_pipe_is_written_into(file: ExportFile, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert file.save(pipe) == pipe
    reader.join(10)
    assert got == [CONTENT]
    assert pipe.is_fifo()


@needs_named_pipes
def test_a_device_is_written_into(file: ExportFile) -> None:
    assert file.save("/dev/null") == Path("/dev/null")
    assert Path("/dev/null").is_char_device()


SAVES_TO_STDOUT = """
import sys
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

def main():
    with Sandbox(accounts=1, transactions=2) as sandbox:
        with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
            file = client.transactions.export(
                sandbox.account_ids[0], start_date="2020-01-01", end_date="2199-12-31"
            )
    print("before", flush=True)
    file.save("/dev/stdout")
    print("after", flush=True)

if __name__ == "__main__":
    main()
"""


@needs_named_pipes
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_standard_output_is_written_into_whatever_it_is(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "log"
    log.write_text("earlier\n", "utf-8")
    program = tmp_path / "program.py"
    program.write_text(SAVES_TO_STDOUT, "utf-8")
    with log.open("ab") as end:
        done = subprocess.run(
            [sys.executable, str(program)],
            stdout=end if kind == "file" else subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            timeout=60,
        )
    lines = (done.stdout or log.read_bytes()).decode().splitlines()
    if kind == "file":
        assert lines.pop(0) == "earlier"
    assert (lines[0], lines[-1], len(lines)) == ("before", "after", 5)
    assert lines[1].startswith("Transaction ID,")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "must be a str or a Path, not an empty one"),
        (None, "not NoneType"),
        (5, "not int"),
        (b"march.csv", "not bytes"),
        ("march\0.csv", "(a NUL character|Windows has no file of this name)"),
        pytest.param(
            "march\ud800.csv",
            r"'march\\ud800\.csv': file names are written in (utf-8|ascii)",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows takes half letters"),
        ),
    ],
)
def test_a_path_that_no_file_can_have_is_refused(
    file: ExportFile, path: object, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgumentError, match=why):
        file.save(path)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(PYPY, reason="PyPy writes file names in UTF-8 whatever the locale says")
def test_a_name_of_the_server_that_the_system_cannot_write_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(NAMED_BY_THE_SERVER, "utf-8")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        },
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert "a\\xf1o.csv': file names are written in ascii here" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


NAMED_BY_THE_SERVER = """
import sys
from tesote_sdk import InvalidArgumentError, V2Client
from tesote_sdk.sandbox import Sandbox

def main():
    with Sandbox(accounts=1) as sandbox:
        name = "attachment; filename*=UTF-8''a%C3%B1o.csv"
        sandbox.fail(200, body="a,b", headers={"Content-Disposition": name})
        with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
            file = client.transactions.export(sandbox.account_ids[0])
    try:
        file.save(sys.argv[1])
    except InvalidArgumentError as error:
        print(error)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    "name",
    ["nul", "NUL.csv", "com1.tar.gz", "a:b.csv", "a?.csv", "a|b", "a.csv.", "a ", "a\tb"],
)
def test_a_name_that_windows_makes_something_else_of_is_refused_there(
    file: ExportFile, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InvalidArgumentError, match="Windows has no file of this name"):
        file.save(tmp_path / name)


@pytest.mark.parametrize(
    ("owner", "step", "error"),
    [
        (os, "open", OSError),
        pytest.param(os, "fchmod", OSError, marks=needs_modes),
        (os, "fsync", OSError),
        (os, "fsync", KeyboardInterrupt),
        (Path, "replace", OSError),
    ],
)
def test_a_failed_save_leaves_what_was_there(
    file: ExportFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    step: str,
    error: type[BaseException],
) -> None:
    earlier = tmp_path / "march.csv"
    earlier.write_bytes(b"of last month")
    earlier.chmod(0o640)

    def fail(*_: object) -> None:
        assert earlier.read_bytes() == b"of last month"
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, fail)
        with pytest.raises(error):
            file.save(tmp_path)
    assert earlier.read_bytes() == b"of last month"
    assert [path.name for path in tmp_path.iterdir()] == ["march.csv"]


@needs_folder_sync
def test_the_folder_is_synced_after_the_name_is_there(
    file: ExportFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bool, bool]] = []
    sync = os.fsync

    def watch(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_folder, (tmp_path / "march.csv").exists()))
        sync(descriptor)
        if is_folder:
            raise OSError(errno.EINVAL, "as some file systems have it")

    monkeypatch.setattr(os, "fsync", watch)
    file.save(tmp_path)
    assert synced == [(False, False), (True, True)]


@needs_folder_sync
def test_a_disk_that_fails_after_the_file_is_there_is_told(
    file: ExportFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        file.save(tmp_path)
    assert (tmp_path / "march.csv").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["march.csv"]


@needs_limits
def test_a_full_disk_leaves_what_was_there(file: ExportFile, tmp_path: Path) -> None:
    import resource

    earlier = tmp_path / "march.csv"
    earlier.write_bytes(b"of last month")
    big = exported({}, b"x" * 100_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Past this size the kernel refuses to write on, in the middle of the file.
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            big.save(earlier)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert earlier.read_bytes() == b"of last month"
    assert [path.name for path in tmp_path.iterdir()] == ["march.csv"]


def test_a_folder_that_is_not_there_is_an_error(file: ExportFile, tmp_path: Path) -> None:
    for target in (tmp_path / "none" / "march.csv", f"{tmp_path}/none/"):
        with pytest.raises(FileNotFoundError):
            file.save(target)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_file_is_an_error(file: ExportFile, tmp_path: Path) -> None:
    (tmp_path / "march.csv").mkdir()
    with pytest.raises(OSError, match=r"march\.csv"):
        file.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["march.csv"]


@pytest.mark.parametrize(
    "path", [r"C:\exports\march.csv", r"C:\nul\march.csv", "..", "C:\\", "console.csv", "a.b c"]
)
def test_other_names_are_taken_on_windows(path: str) -> None:
    assert _windows_takes(path)

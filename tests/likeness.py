"""This system made like another: `TESOTE_TEST_LIKE=windows pytest`, or `macos`.

What the other system lacks is taken out of the standard modules, and what it does otherwise is done
otherwise, before the SDK or a test has looked. That shows what cannot do without. The other
system's kernel is not here, and child processes know nothing of all this.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import functools
import importlib
import io
import locale
import os
import select
import signal
import socket
import ssl
import sys
import sysconfig
import threading
import time
import types
from pathlib import Path
from typing import Any, Callable

LIKE = os.environ.get("TESOTE_TEST_LIKE", "")

_TICK = 1 / 64
"""Seconds between two steps of the clock of Windows, at which waits end, too."""

_LOADED_WHOLE = (
    *("_pytest.pathlib", "_pytest.tmpdir", "asyncio", "concurrent.futures.process", "getpass"),
    *("http.server", "logging.handlers", "multiprocessing.connection", "multiprocessing.heap"),
    *("multiprocessing.popen_spawn_posix", "multiprocessing.resource_tracker", "pathlib", "pdb"),
    *("multiprocessing.synchronize", "random", "selectors", "shutil", "socketserver", "sqlite3"),
    *("subprocess", "tarfile", "tempfile", "urllib.request", "uuid", "venv", "zipfile"),
)
"""What is to find the whole system when it is imported: the standard library is this system's."""

_LACKING: dict[str, dict[types.ModuleType, str]] = {
    "windows": {
        os: "chown fchmod fchown fork forkpty getegid geteuid getgid getpgid getuid killpg lchown "
        "mkfifo nice register_at_fork setsid uname wait wait3 wait4 WNOHANG",
        select: "epoll poll EPOLLIN POLLERR POLLHUP POLLIN POLLNVAL POLLOUT POLLPRI POLLRDHUP",
        signal: "ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP "
        "SIGUSR1 SIGUSR2 alarm getitimer pause pthread_kill pthread_sigmask setitimer sigwait",
        socket: "AF_NETLINK AF_UNIX MSG_DONTWAIT MSG_NOSIGNAL SO_REUSEPORT TCP_USER_TIMEOUT",
        time: "tzset",
    },
    "macos": {
        select: "epoll EPOLLIN POLLRDHUP",
        socket: "AF_NETLINK MSG_NOSIGNAL TCP_USER_TIMEOUT",
    },
}
_LACKING_MODULES = ("fcntl", "grp", "pwd", "resource", "termios")


def take_on() -> None:
    """Make this process like the system that the environment names."""
    if not LIKE:
        return
    if LIKE not in _LACKING:
        raise ValueError(f"TESOTE_TEST_LIKE is {' or '.join(_LACKING)}, not {LIKE!r}")
    for name in _LOADED_WHOLE:
        importlib.import_module(name)
    sysconfig.get_config_vars()
    _keep("shutil", "sys", sys)
    for name in ("subprocess", "multiprocessing.resource_tracker", "multiprocessing.util"):
        _keep(name, "os", os)
        _keep(name, "signal", signal)
    _keep("tempfile", "_os", os)
    for module, names in _LACKING[LIKE].items():
        for name in names.split():
            vars(module).pop(name, None)
    _look_through("epoll", "EpollSelector")
    sys.platform = {"windows": "win32", "macos": "darwin"}[LIKE]
    if LIKE == "windows":
        for name in _LACKING_MODULES:
            sys.modules[name] = None  # type: ignore[assignment] # importing it fails
        _look_through("poll", "PollSelector")
        socket.socketpair = _tcp_pair  # type: ignore[assignment]
        vars(ssl)["enum_certificates"] = lambda _store: []
        _have_a_coarse_clock()
        _open_as_windows_does()
        _hold_on_to_open_files()
        _write_to_pipes_as_windows_does()
        vars(sys.modules["shutil"])["_use_fd_functions"] = False
    sys.addaudithook(_refuse)


def _keep(user: str, name: str, module: types.ModuleType) -> None:
    """Leave to a standard module what it calls when it is used."""
    copy = types.ModuleType(name)
    vars(copy).update(vars(module))
    if hasattr(sys.modules[user], name):
        setattr(sys.modules[user], name, copy)


def _look_through(call: str, selector: str) -> None:
    selectors: Any = sys.modules["selectors"]
    vars(selectors).pop(selector, None)
    selectors.DefaultSelector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def _tcp_pair(*_: object) -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets, as Windows makes them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.socket()
        one.connect(listener.getsockname())
        while True:
            other, peer = listener.accept()
            if peer == one.getsockname():
                return one, other
            other.close()


# ---- Windows: the clock ----


class _Lock:
    """A lock whose timed waits end with a tick of the clock."""

    def __init__(self) -> None:
        self._lock = _allocate_lock()
        self.release = self._lock.release
        self.locked = self._lock.locked

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking and timeout > 0:
            timeout = _until_a_tick(timeout)
        return self._lock.acquire(blocking, timeout)

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


_allocate_lock = threading.Lock
_monotonic = time.monotonic


def _until_a_tick(seconds: float) -> float:
    """Return how long a wait lasts that counts from the last tick: up to one tick too short."""
    return max(0.0, seconds - _monotonic() % _TICK)


def _have_a_coarse_clock() -> None:
    def coarse(clock: Callable[[], float]) -> Callable[[], float]:
        @functools.wraps(clock)
        def seconds() -> float:
            return clock() // _TICK * _TICK

        return seconds

    def early_sleep(seconds: Any) -> None:
        sleep(_until_a_tick(seconds) if seconds > 0 else seconds)

    def early_select(*given: Any) -> Any:
        *lists, seconds = given if len(given) == 4 else (*given, None)
        if not any(lists):
            raise OSError(10022, "An invalid argument was supplied")
        seconds = seconds if seconds is None else _until_a_tick(seconds)
        readable, writable, _ = look(*lists, seconds)
        failed = [sock for sock in writable if sock in lists[2] and _has_failed(sock)]
        return readable, [sock for sock in writable if sock not in failed], failed

    sleep = time.sleep
    look: Any = select.select
    time.monotonic, time.time = coarse(time.monotonic), coarse(time.time)
    time.sleep, select.select = early_sleep, early_select
    info = vars(time.get_clock_info("monotonic"))
    told = types.SimpleNamespace(**{**info, "resolution": _TICK})
    vars(time)["get_clock_info"] = lambda _: told
    threading.Lock = _Lock  # type: ignore[assignment]


def _has_failed(sock: Any) -> bool:
    """Tell whether a connect was refused, of which select tells in its third list there."""
    with socket.fromfd(sock if isinstance(sock, int) else sock.fileno(), 2, 1) as copy:
        try:
            copy.getpeername()
        except OSError:
            return True
        return False


# ---- Windows: files ----

_ENCODING = "utf-8" if sys.flags.utf8_mode else "cp1252"
"""That of text where none is named: Python 3.15 has made UTF-8 the default of every system."""


def _open_as_windows_does() -> None:
    """Have text without a named encoding in cp1252, and end its lines with CR LF."""
    opened = io.open

    def open_text(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        **others: Any,
    ) -> Any:
        if "b" not in mode:
            encoding = encoding or _ENCODING
            if newline is None and "r" not in mode:
                newline = "\r\n"
        return opened(file, mode, buffering, encoding, errors, newline, **others)

    io.open = builtins.open = open_text  # type: ignore[assignment]


def _write_to_pipes_as_windows_does() -> None:
    """Have text from and to child processes in cp1252, on both sides."""

    class Pipe(io.TextIOWrapper):
        def __init__(self, buffer: Any, encoding: str | None = None, *given: Any, **others: Any):
            # Python 3.10 names that of the system by this word.
            named = _ENCODING if encoding in (None, "locale") else encoding
            super().__init__(buffer, named, *given, **others)

    os.environ["PYTHONIOENCODING"] = _ENCODING
    for name in ("getencoding", "getpreferredencoding"):
        vars(locale)[name] = lambda *_: _ENCODING
    _keep("subprocess", "io", io)
    vars(vars(sys.modules["subprocess"])["io"])["TextIOWrapper"] = Pipe


def _hold_on_to_open_files() -> None:
    """Refuse to remove or to replace a file that this process has open."""

    def check(path: Any, directory: int | None) -> None:
        try:
            found = whole.lstat(path, dir_fd=directory)
        except OSError:
            return
        for name in whole.listdir("/dev/fd"):
            with contextlib.suppress(OSError):  # the listing's own
                if whole.path.samestat(whole.fstat(int(name)), found):
                    break
        else:
            return
        raise PermissionError(errno.EACCES, "it is used by another process", path)

    def held(name: str) -> Callable[..., None]:
        deed = getattr(whole, name)

        def checked(path: Any, *to: Any, dir_fd: int | None = None, **others: Any) -> None:
            for each in (path, *to):
                check(each, dir_fd)
            if dir_fd is not None:
                others["dir_fd"] = dir_fd
            deed(path, *to, **others)

        return checked

    whole: Any = types.ModuleType("os")
    vars(whole).update(vars(os))
    accessor = getattr(sys.modules["pathlib"], "_NormalAccessor", None)  # before Python 3.11
    for name in ("unlink", "remove", "replace", "rename"):
        setattr(os, name, held(name))
        if hasattr(accessor, name):
            setattr(accessor, name, staticmethod(held(name)))


# ---- both ----

_NO_NAME = frozenset('<>:"|?*')


def _refuse(event: str, details: tuple[Any, ...]) -> None:
    """Refuse to open what the other system does not have."""
    if event == "socket.bind" and LIKE == "macos":
        host = str(details[1][0])
        if host.startswith("127.") and host != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    if event not in ("open", "os.listdir", "os.mkdir", "os.scandir") or not details:
        return
    path = details[0]
    if not isinstance(path, (str, bytes)) or path in ("/dev/fd", os.devnull):
        return
    path = os.fsdecode(path)
    if LIKE == "windows" and event == "open" and details[1] is None and Path(path).is_dir():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    gone = ("/proc/",) if LIKE == "macos" else ("/proc/", "/dev/std", "/dev/fd/")
    if path.startswith(gone):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if LIKE == "windows" and not _NO_NAME.isdisjoint(path.rpartition("/")[2]):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)

"""What a scripted server does about one request: small values that compose.

A step is played when a whole request has been read, unless it is wrapped in `on_accept`,
`on_client_hello`, `unread` or `head_only`, which say that it comes earlier.
After a step the connection waits for its next request, if the step left it open.
"""

from __future__ import annotations

import gzip as gzip_format
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import responses
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Literal,
    TypeVar,
    Union,
)

from tests.support.connections import Connection

if TYPE_CHECKING:
    import threading

Moment = Literal["accept", "client_hello", "first_byte", "head", "request"]
Body = Union[bytes, str, dict[str, Any], list[Any]]
HeaderFields = Union[Mapping[str, str], list[tuple[str, str]]]

AnyStep = TypeVar("AnyStep", bound="Step")


@dataclass(frozen=True)
class Step:
    """One thing to do with a connection, and the moment to do it."""

    name: str
    play: Callable[[Connection], None]
    moment: Moment = "request"

    def __repr__(self) -> str:
        return f"<{self.name} at {self.moment}>"


@dataclass(frozen=True, repr=False)
class Payload(Step):
    """A step that sends known bytes, and says whether the connection ends after them."""

    content: bytes = b""
    closes: bool = False


def _payload(name: str, content: bytes, closes: bool) -> Payload:
    def play(connection: Connection) -> None:
        connection.send(content)
        if closes:
            connection.finish()

    return Payload(name, play, content=content, closes=closes)


# ---- answers ----


def reply(
    status: int = 200,
    body: Body = b"",
    headers: HeaderFields | None = None,
    *,
    chunked: bool = False,
    gzip: bool = False,
    close: bool = False,
    reason: str | None = None,
    http: str = "1.1",
) -> Payload:
    """Answer with a well-formed response.

    Args:
        status: The status code.
        body: Bytes or text as they are; a dict or a list as JSON, with its Content-Type.
        headers: Sent as given and before ours; a Content-Length among them replaces the true one.
        chunked: Send the body in chunks of at most 1,000 bytes, two at least.
        gzip: Compress the body.
        close: Announce `Connection: close`, and close.
        reason: The reason phrase; the usual one if not given.
        http: The version; "1.0" closes.
    """
    fields = list(headers.items() if isinstance(headers, Mapping) else headers or [])
    if isinstance(body, (dict, list)):
        content = json.dumps(body).encode()
        fields.append(("Content-Type", "application/json"))
    else:
        content = body.encode() if isinstance(body, str) else body
    if gzip:
        content = gzip_format.compress(content)
        fields.append(("Content-Encoding", "gzip"))
    if chunked:
        content = _in_chunks(content)
        fields.append(("Transfer-Encoding", "chunked"))
    elif status not in (204, 304) and not any(n.lower() == "content-length" for n, _ in fields):
        fields.append(("Content-Length", str(len(content))))
    if close:
        fields.append(("Connection", "close"))
    phrase = responses.get(status, "Unknown") if reason is None else reason
    return _payload(
        f"reply {status}",
        _head(f"HTTP/{http} {status} {phrase}", fields) + content,
        closes=close or http == "1.0",
    )


def raw(content: bytes, close: bool = True) -> Payload:
    """Answer with these bytes and nothing else."""
    return _payload("raw", content, close)


def drip(source: bytes | Payload, interval: float) -> Step:
    """Send one byte every `interval` seconds.

    After the last one a payload ends as it would have; bare bytes are followed by silence.
    """
    content = source if isinstance(source, bytes) else source.content

    def play(connection: Connection) -> None:
        for index in range(len(content)):
            connection.send(content[index : index + 1])
            connection.pause(interval)
        if isinstance(source, bytes):
            connection.pause()
        elif source.closes:
            connection.finish()

    return Step("drip", play)


def cut(source: Payload, after_bytes: int, then: Step | None = None) -> Step:
    """Send the beginning of a payload, then something else.

    Args:
        source: What is cut, its head included in the count.
        after_bytes: How many bytes are sent; if negative, how many are missing at the end.
        then: `hang_up()` unless given; `reset()` and `silence()` are others.
    """
    ending = hang_up() if then is None else then

    def play(connection: Connection) -> None:
        connection.send(source.content[:after_bytes])
        ending.play(connection)

    return Step(f"cut {source.name}", play)


def informational(step: Step, status: int = 103, headers: Mapping[str, str] | None = None) -> Step:
    """Send an interim 1xx response before a step."""
    head = _head(f"HTTP/1.1 {status} Interim", list((headers or {}).items()))

    def play(connection: Connection) -> None:
        connection.send(head)
        step.play(connection)

    return Step(f"{status}, then {step.name}", play, step.moment)


# ---- no answer ----


def silence() -> Step:
    """Never answer, never read: hold the connection until the client leaves."""
    return Step("silence", Connection.pause)


def hang_up() -> Step:
    """Close without a word; over TLS, without close_notify too."""
    return Step("hang_up", Connection.close)


def reset() -> Step:
    """Close with RST."""
    return Step("reset", Connection.reset)


# ---- when ----


def on_accept(step: AnyStep) -> AnyStep:
    """Play a step as the connection is accepted: before TLS, before anything is read.

    `on_accept(silence())` never does its handshake. The client may learn of `on_accept(reset())`
    while it still connects, or later. A step that leaves the connection open
    is followed by ordinary service.
    """
    return replace(step, moment="accept")


def on_client_hello(step: AnyStep) -> AnyStep:
    """Play a step in place of the TLS handshake, once the client's first bytes were read."""
    return replace(step, moment="client_hello")


def unread(step: AnyStep) -> AnyStep:
    """Play a step when a request arrives, read nothing of it, and close.

    The request appears in no record, having not been read.
    """
    return replace(step, moment="first_byte")


def head_only(step: AnyStep) -> AnyStep:
    """Play a step once the request's head was read, leave its body unread, and close.

    The close is an RST if any of the body has arrived; `half_close` avoids that. A client that
    leaves with more unsent than the buffers hold is not noticed: its FIN waits behind the data.
    """
    return replace(step, moment="head")


def delayed(step: Step, seconds: float) -> Step:
    """Wait, then play a step."""

    def play(connection: Connection) -> None:
        connection.pause(seconds)
        step.play(connection)

    return Step(f"delayed {step.name}", play, step.moment)


def held(step: Step, until: threading.Event) -> Step:
    """Play a step once the test sets an event."""

    def play(connection: Connection) -> None:
        connection.pause(until=until.is_set)
        step.play(connection)

    return Step(f"held {step.name}", play, step.moment)


# ---- after the answer ----


def half_close(source: Payload) -> Step:
    """Send a payload and FIN, then discard what the client sends until it leaves.

    What a server does that answers early and wants the answer to arrive (RFC 9112, section 9.6).
    """

    def play(connection: Connection) -> None:
        connection.send(source.content)
        connection.half_close()
        connection.drain()

    return Step(f"half-closed {source.name}", play, source.moment)


def then_stray(source: Payload, stray: bytes = b"", *, triggered: bool = False) -> Step:
    """Answer, then do what nobody asked for on the idle connection.

    Args:
        source: The answer.
        stray: The stray bytes, after which the connection is served as before; none: it is closed
            without having been announced.
        triggered: Wait for `server.trigger()`; else stray bytes leave in one packet with the
            answer, and EOF follows it directly.
    """

    def play_at_once(connection: Connection) -> None:
        connection.send(source.content + stray)
        if not stray:
            connection.finish()

    def play_triggered(connection: Connection) -> None:
        # Registered first: whoever has the answer may pull the trigger.
        if stray:
            connection.on_trigger(lambda: connection.send(stray))
        else:
            connection.on_trigger(connection.hang_up)
        connection.send(source.content)

    play = play_triggered if triggered else play_at_once
    return Step(f"{source.name}, then stray", play, source.moment)


def _head(start_line: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [start_line, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _in_chunks(content: bytes) -> bytes:
    size = min(1000, (len(content) + 1) // 2) or 1
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])

"""Writes down the public surface: names, signatures, attributes.

`tests/test_public_surface.py` compares it with `tests/api.txt`, so that nothing public changes by
accident. After a change that is meant, run from the root of a checkout:

    python -m tests.make_api
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from tesote_sdk.pagination import ItemIterator, PageIterator
from tesote_sdk.v2.sync_deltas import SyncDeltas

if TYPE_CHECKING:
    from collections.abc import Iterator

API = Path(__file__).with_name("api.txt")

MODULES = [
    "tesote_sdk",
    "tesote_sdk.errors",
    "tesote_sdk.money",
    "tesote_sdk.sandbox",
    "tesote_sdk.times",
    "tesote_sdk.transport",
    "tesote_sdk.types",
    "tesote_sdk.webhooks",
]


def describe_api() -> str:
    """Return the public surface, a line for each thing that somebody may rely on."""
    lines: list[str] = []
    described: dict[int, str] = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        lines += ["", f"# {module_name}"]
        for name in sorted(module.__all__):
            path, thing = f"{module_name}.{name}", getattr(module, name)
            if inspect.isclass(thing) and id(thing) in described:
                lines.append(f"class {path} is {described[id(thing)]}")
            else:
                described[id(thing)] = path
                lines += _describe(path, thing)
    lines += ["", "# the iterators that pages and iter_sync return"]
    for kind in (ItemIterator, PageIterator, SyncDeltas):
        lines += [f"{kind.__name__}{line}" for line in _members(kind)]
    lines += ["", "# the resources of the clients"]
    for client in ("V1Client", "V2Client"):
        for name, resource in sorted(_resources(client)):
            lines += [f"{client}.{name}{line}" for line in _members(type(resource))]
    return "\n".join(lines[1:]) + "\n"


def _resources(client_name: str) -> Iterator[tuple[str, object]]:
    package = importlib.import_module("tesote_sdk")
    with getattr(package, client_name)("sk_none") as client:
        for name in dir(client):
            value = getattr(client, name)
            if not name.startswith("_") and type(value).__module__.startswith("tesote_sdk.v"):
                yield name, value


def _describe(path: str, thing: Any) -> Iterator[str]:
    if inspect.isfunction(thing):
        yield f"{path}{_signature(thing)}"
    elif isinstance(thing, (str, int, float)):
        yield f"{path} = {thing!r}"
    elif get_origin(thing):
        yield f"{path} = {_annotation(thing)}"
    else:
        yield f"class {path}({', '.join([base.__name__ for base in thing.__bases__])})"
        yield from (f"{path}{line}" for line in _class_lines(thing))


def _class_lines(kind: type[Any]) -> Iterator[str]:
    if issubclass(kind, dict):
        for name, annotation in sorted(kind.__annotations__.items()):
            required = "" if name in getattr(kind, "__required_keys__") else "?"  # noqa: B009
            yield f"[{name!r}]{required}: {_annotation(annotation)}"
        return
    if issubclass(kind, BaseException):
        # What an error inherits stands with the class that it inherits it from.
        if "__init__" in vars(kind):
            yield _signature(kind)
            yield from (f".{name}" for name in sorted(vars(kind("message"))))
        methods = [name for name in vars(kind) if name == "to_dict"]
        yield from (f".{name}{_signature(getattr(kind, name))}" for name in methods)
        return
    ours = [base for base in kind.__mro__ if base.__module__.startswith("tesote_sdk")]
    made = any("__init__" in vars(base) or "__new__" in vars(base) for base in ours)
    if made and not getattr(kind, "_is_protocol", False):
        yield _signature(kind)
    yield from _members(kind)


def _members(kind: type[Any]) -> Iterator[str]:
    """Describe what a class defines, or a class of ours that it is derived from."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("tesote_sdk"):
            found.update(vars(base))
    for name, value in sorted(found.items()):
        if not name.startswith("_"):
            method = inspect.isfunction(value) or isinstance(value, (classmethod, staticmethod))
            yield f".{name}{_signature(getattr(kind, name)) if method else ''}"


def _signature(thing: Any) -> str:
    """Return a signature as it stands in the source, the same on every version of Python."""
    signature = inspect.signature(thing)
    parts: list[str] = []
    named_only = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not named_only:
            parts.append("*")
        named_only = named_only or parameter.kind in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        )
        starred = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        part = "*" * (starred.index(parameter.kind) + 1) if parameter.kind in starred else ""
        part += parameter.name
        if parameter.annotation is not parameter.empty:
            part += f": {_annotation(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            part += f" = {_default(parameter.default)}"
        parts.append(part)
    returned = signature.return_annotation
    result = "" if returned is signature.empty else f" -> {_annotation(returned)}"
    return f"({', '.join(parts)}){result}"


def _annotation(annotation: Any) -> str:
    """Return an annotation that is a string as it stands, and a type spelled out."""
    annotation = getattr(annotation, "__forward_arg__", annotation)
    if isinstance(annotation, str):
        return annotation
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is None:
        name = getattr(annotation, "__name__", repr(annotation))
        return "None" if annotation is type(None) else name.replace("typing.", "")
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, members))}]"
    if origin is Union:
        return " | ".join(map(_annotation, members))
    return f"{origin.__name__}[{', '.join(map(_annotation, members))}]"


def _default(value: Any) -> str:
    return str(value.__name__) if callable(value) else repr(value)


if __name__ == "__main__":
    API.write_text(describe_api(), encoding="utf-8")

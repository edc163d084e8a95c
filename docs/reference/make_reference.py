"""Writes the API reference from the docstrings of the package.

    python docs/reference/make_reference.py           # writes docs/reference/*.md
    python docs/reference/make_reference.py --check   # exits with 1 where a page is out of date

It reads the checkout that it stands in, needs the standard library alone, and writes the same text
on every Python that the SDK runs on.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docstrings import (
    Entry,
    all_assigned,
    annotated,
    assigned,
    bullets,
    markdown,
    parse_docstring,
    prose,
    signature_text,
)

FOLDER = Path(__file__).resolve().parent
PACKAGE = FOLDER.parents[1] / "src" / "tesote_sdk"
sys.path.insert(0, str(PACKAGE.parent))

from samples import as_json, make_samples  # noqa: E402

import tesote_sdk  # noqa: E402 - the checkout's, wherever this is run
import tesote_sdk.errors  # noqa: E402
import tesote_sdk.money  # noqa: E402
import tesote_sdk.sandbox  # noqa: E402
import tesote_sdk.times  # noqa: E402
import tesote_sdk.transport  # noqa: E402
import tesote_sdk.types  # noqa: E402
import tesote_sdk.webhooks  # noqa: E402
from tesote_sdk import v1, v2  # noqa: E402
from tesote_sdk._base_client import BaseClient  # noqa: E402
from tesote_sdk.pagination import ItemIterator, PageIterator  # noqa: E402
from tesote_sdk.v2.sync_deltas import SyncDeltas  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERNAL = {"acquire", "after_fork_in_child", "release", "stray"}
"""Members without an underscore that are no business of users."""


# --- the parts of a page -------------------------------------------------------------------------


def function_part(title: str, call: str, function: Any, *, method: bool, level: int) -> list[str]:
    """A function or method: what it is called with, does, returns and raises."""
    doc = parse_docstring(function)
    parts = [f"{'#' * level} {title}", signature_text(call, function, method=method)]
    parts += prose(doc.text)
    parts += bullets("Arguments", doc.entries("Args"))
    for section in ("Returns", "Yields"):
        if section in doc.sections:
            parts.append(f"**{section}** {markdown(doc.paragraph(section))}")
    return parts + bullets("Raises", doc.entries("Raises"))


def class_part(
    cls: type, *, prefix: str = "", constructor: bool = True, level: int = 2, title: str = ""
) -> list[str]:
    """A class: its constructor, attributes, properties and public methods.

    Args:
        cls: The class.
        prefix: What stands before its methods where they are called, such as `client.accounts.`.
        constructor: Whether users call the class.
        level: Of its heading.
        title: Its heading, where that is not its name.
    """
    doc = parse_docstring(cls)
    parts = [f"{'#' * level} {title or cls.__name__}"]
    if constructor:
        parts.append(signature_text(cls.__name__, cls, method=False))
    parts += prose(doc.text)
    if constructor:
        parts += bullets("Arguments", doc.entries("Args"))
    parts += bullets("Raises", doc.entries("Raises"))
    properties = [
        Entry(name, " ".join(parse_docstring(member).text.split()))
        for name, member in members(cls)
        if isinstance(member, property)
    ]
    known = doc.entries("Attributes")
    names = {entry.name for entry in known}
    parts += bullets("Attributes", known + [each for each in properties if each.name not in names])
    for name, member in members(cls):
        if inspect.isfunction(member):
            holder = prefix or re.findall("[A-Z][a-z]+", cls.__name__)[-1].lower() + "."
            heading = (prefix or f"{cls.__name__}.") + name
            parts += function_part(heading, holder + name, member, method=True, level=level + 1)
    return parts


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public members of a class and of the SDK's classes that it is made of."""
    seen = set(INTERNAL)
    for each in cls.__mro__:
        if not each.__module__.startswith("tesote_sdk"):
            continue
        for name, member in vars(each).items():
            if not name.startswith("_") and name not in seen:
                seen.add(name)
                yield name, member


def error_part(cls: type[Any], level: int) -> list[str]:
    """An error, and all that are derived from it."""
    doc = parse_docstring(cls)
    bases = ", ".join(f"`{base.__name__}`" for base in cls.__bases__ if base is not Exception)
    parts = [f"{'#' * level} {cls.__name__}", *prose(doc.text)]
    if bases:
        parts.append(f"A kind of {bases}.")
    parts += bullets("Attributes", doc.entries("Attributes"))
    for each in cls.__subclasses__():
        if each.__name__ in tesote_sdk.errors.__all__:
            parts += error_part(each, min(level + 1, 6))
    return parts


def typed_dict_part(cls: Any, types: dict[str, str], samples: dict[str, Any]) -> list[str]:
    """A TypedDict: its keys, their types as the source has them, which may be missing, a sample."""
    doc = parse_docstring(cls)
    texts = dict(doc.entries("Attributes"))
    rows = []
    for name, text in types.items():
        optional = "" if name in cls.__required_keys__ else ", may be missing"
        about = markdown(texts.get(name, "")) or "see the text above"
        rows.append(f"- `{name}` (`{text}`{optional}): {about}")
    parts = [f"### {cls.__name__}", *prose(doc.text), "\n".join(rows)]
    if cls.__name__ in samples:
        parts.append(f"```json\n{as_json(samples[cls.__name__])}\n```")
    return parts


# --- the pages -----------------------------------------------------------------------------------


def clients_page() -> list[str]:
    """V1Client, V2Client and what they share."""
    doc = parse_docstring(v2.V2Client)
    parts = ["# Clients", "`from tesote_sdk import V1Client, V2Client`", "## Making a client"]
    parts += ["`V1Client` takes the same arguments."]
    parts += [signature_text("V2Client", v2.V2Client, method=False)]
    parts += prose(doc.text.partition("\n\n")[2])
    parts += bullets("Arguments", doc.entries("Args")) + bullets("Raises", doc.entries("Raises"))
    parts += class_part(
        BaseClient, prefix="client.", constructor=False, title="What both clients share"
    )
    for cls in (v1.V1Client, v2.V2Client):
        parts += [f"## {cls.__name__}", f"A client of version {cls.__name__[1]} of the API."]
        parts += bullets("Attributes", parse_docstring(cls).entries("Attributes"))
    return parts


def resources_page(client: type, version: Any) -> list[str]:
    """The resources of one version of the API."""
    parts = [f"# Resources of {client.__name__}"]
    parts.append(
        f"Every method below is called on a `client = {client.__name__}(...)`. What is in the "
        "objects that they return is in [types](types.md); `Page` and `ExportFile` are in "
        "[results](results.md)."
    )
    for entry in parse_docstring(client).entries("Attributes"):
        name = "".join(word.capitalize() for word in entry.name.split("_"))
        cls = getattr(getattr(version, entry.name), name)
        parts += class_part(
            cls, prefix=f"client.{entry.name}.", constructor=False, title=f"client.{entry.name}"
        )
    return parts


def results_page() -> list[str]:
    """What methods return that is no plain dict."""
    intro = (
        "Single objects are plain dicts, whose keys are in [types](types.md). Lists, loops and "
        "files are the classes below. Methods return them; you do not make them. `iter(page)` is "
        "an `ItemIterator`, `page.iter_pages()` a `PageIterator`, `transactions.iter_sync()` a "
        "`SyncDeltas`."
    )
    parts = ["# Results", intro]
    for cls in (tesote_sdk.Page, ItemIterator, PageIterator, SyncDeltas, tesote_sdk.ExportFile):
        parts += class_part(cls, constructor=False)
    return parts


def errors_page() -> list[str]:
    """The whole tree of errors."""
    intro = (
        "All are importable from `tesote_sdk` and from `tesote_sdk.errors`. The headings follow "
        "the tree: catching an error catches those below it. [Errors](../guides/errors.md) tells "
        "how to handle them."
    )
    base, classify = tesote_sdk.TesoteError, tesote_sdk.errors.classify_api_error
    parts = ["# Errors", intro, *error_part(base, 2)]
    for name in ("__str__", "to_dict"):
        call = "str" if name == "__str__" else f"error.{name}"
        parts += function_part(
            f"TesoteError.{name}", call, getattr(base, name), method=True, level=2
        )
    return parts + function_part(
        "classify_api_error", "classify_api_error", classify, method=False, level=2
    )


def transport_page() -> list[str]:
    """What `tesote_sdk.transport` exports."""
    parts = ["# Transport"]
    parts.append(
        "`from tesote_sdk.transport import ...`. A client makes its own transport; `RetryPolicy`, "
        "`RateLimiter`, `InMemoryLRUCache` and `CacheBackend` are importable from `tesote_sdk` too."
    )
    constants = all_assigned(PACKAGE / "transport")
    rows = []
    for name in tesote_sdk.transport.__all__:
        member = getattr(tesote_sdk.transport, name)
        if inspect.isclass(member):
            parts += class_part(member, constructor=name not in ("Response", "CacheBackend"))
        else:
            rows.append(f"- `{name}` = `{constants[name].value}`: {constants[name].about}")
    return [*parts, "## Constants", "\n".join(rows)]


def values_page() -> list[str]:
    """What `tesote_sdk.money` and `tesote_sdk.times` export."""
    parts = ["# Money and times"]
    for module in (tesote_sdk.money, tesote_sdk.times):
        name = module.__name__.rpartition(".")[2]
        parts += [f"## {name.capitalize()}", f"`from {module.__name__} import ...`"]
        parts += prose(inspect.getdoc(module) or "")
        for member in module.__all__:
            parts += function_part(
                member, f"{name}.{member}", getattr(module, member), method=False, level=3
            )
    return parts


def webhooks_page() -> list[str]:
    """What `tesote_sdk.webhooks` exports."""
    module = tesote_sdk.webhooks
    parts = ["# Webhooks", *prose(inspect.getdoc(module) or "")]
    parts += function_part("verify", "verify", module.verify, method=False, level=2)
    return parts + class_part(module.WebhookEvent, constructor=False)


def types_page() -> list[str]:
    """The TypedDicts and aliases, module by module."""
    parts = ["# Types"]
    parts.append(
        "`from tesote_sdk.types import ...`. Results are plain dicts that hold what the server "
        "sent; these types tell editors and type checkers their keys. A key that the SDK has not "
        "heard of is kept. [Types at run time](../guides/types.md) tells how pydantic, FastAPI and "
        "others read them. The JSON below a type is what the sandbox sends; of each list it has "
        "the first entry. A type without JSON is part of another one, or is what you send."
    )
    samples = make_samples()
    for file in sorted((PACKAGE / "types").glob("[a-z]*.py")):
        module = getattr(tesote_sdk.types, file.stem)
        aliases, types = assigned(file), annotated(file)
        parts.append(f"## {file.stem.capitalize()}")
        parts += prose((inspect.getdoc(module) or "").replace("\nSource:", "\n\nSource:"))
        for name, member in vars(module).items():
            if name not in tesote_sdk.types.__all__:
                continue
            if inspect.isclass(member) and member.__module__ == module.__name__:
                parts += typed_dict_part(member, types[name], samples)
            elif name in aliases:
                parts += [f"### {name}", f"`{aliases[name].value}`", *prose(aliases[name].about)]
    return parts


def sandbox_page() -> list[str]:
    """What `tesote_sdk.sandbox` exports."""
    module = tesote_sdk.sandbox
    parts = ["# Sandbox", *prose(inspect.getdoc(module) or "")]
    constants = all_assigned(PACKAGE / "sandbox")
    for name in sorted(module.__all__, key=lambda name: name != "Sandbox"):
        member = getattr(module, name)
        if inspect.isclass(member):
            parts += class_part(member, constructor=name == "Sandbox")
        elif inspect.isfunction(member):
            parts += function_part(name, name, member, method=False, level=2)
        else:
            about = markdown(constants[name].about)
            parts += [f"## {name}", f"`{constants[name].value}`", about]
    return parts


def make_pages() -> dict[str, str]:
    """All pages by their file names."""
    pages = {
        "clients.md": clients_page(),
        "v1.md": resources_page(v1.V1Client, v1),
        "v2.md": resources_page(v2.V2Client, v2),
        "results.md": results_page(),
        "errors.md": errors_page(),
        "types.md": types_page(),
        "money-and-times.md": values_page(),
        "transport.md": transport_page(),
        "webhooks.md": webhooks_page(),
        "sandbox.md": sandbox_page(),
    }
    index = ["# API reference"]
    index.append(
        "Made from the docstrings by [make_reference.py](make_reference.py): edit those, and run "
        "it again. [The guides](../README.md) explain; this lists."
    )
    for name, parts in pages.items():
        title = parts[0][len("# ") :]
        headings = [part[len("## ") :] for part in parts if part.startswith("## ")]
        links = ", ".join(f"[{each}]({name}#{slug(each)})" for each in headings)
        index.append(f"**[{title}]({name})**: {links}")
    pages["README.md"] = index
    return {name: "\n\n".join(parts) + "\n" for name, parts in pages.items()}


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> None:
    pages = make_pages()
    if "--check" in sys.argv[1:]:
        old = [
            name
            for name, text in pages.items()
            if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
        ]
        sys.exit(f"out of date: {', '.join(old)}; run {Path(__file__).name}" if old else 0)
    for name, text in pages.items():
        (FOLDER / name).write_bytes(text.encode("utf-8"))


if __name__ == "__main__":
    main()

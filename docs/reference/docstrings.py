"""Reads docstrings in the Google style, and writes what they say as Markdown."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_WIDTH = 92
"""Columns of a signature on one line."""

_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$")
_ENTRY = re.compile(r"^([\w.]+): (.*)$")
_MARKUP = re.compile(r"[<*]|(?<!\w)_|_(?!\w)")


class Entry(NamedTuple):
    """What one argument, attribute or error is about."""

    name: str
    text: str


class Docstring(NamedTuple):
    """A Google-style docstring: the text, and the sections behind it by their names."""

    text: str
    sections: dict[str, str]

    def entries(self, section: str) -> list[Entry]:
        """The entries of a section; one that goes on is indented in the lines that follow."""
        found: list[Entry] = []
        for line in self.sections.get(section, "").splitlines():
            entry = _ENTRY.match(line)
            if entry:
                found.append(Entry(entry[1], entry[2]))
            elif found:
                found[-1] = Entry(found[-1].name, f"{found[-1].text} {line.strip()}".rstrip())
        return found

    def paragraph(self, section: str) -> str:
        """A section of prose, on one line."""
        return " ".join(self.sections.get(section, "").split())


def parse_docstring(documented: object) -> Docstring:
    """Read the docstring of a class, a function or a property."""
    text: list[str] = []
    sections: dict[str, list[str]] = {}
    into = text
    for line in (inspect.getdoc(documented) or "").splitlines():
        heading = _SECTION.match(line)
        if heading:
            into = sections[heading[1]] = []
        elif into is not text and line and not line.startswith(" "):
            raise ValueError(f"{documented}: text after the sections of a docstring: {line!r}")
        else:
            into.append(line)
    return Docstring(
        "\n".join(text).strip(),
        {name: textwrap.dedent("\n".join(lines)).strip() for name, lines in sections.items()},
    )


class _ForReaders(ast.NodeTransformer):
    """Writes `Optional[X]` as `X | None`, though not for Python 3.9 to run, and no `types.`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr) if ast.unparse(node.value) in ("types", "files") else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        name = getattr(node.value, "id", None)
        if name == "Optional":
            members: list[ast.expr] = [node.slice, ast.Constant(None)]
        elif name == "Union" and isinstance(node.slice, ast.Tuple):
            members = node.slice.elts
        else:
            return node
        return functools.reduce(lambda one, two: ast.BinOp(one, ast.BitOr(), two), members)


def type_text(annotation: Any) -> str:
    """An annotation as the source has it, in the shortest form."""
    if not isinstance(annotation, str):
        return getattr(annotation, "__name__", str(annotation))
    return ast.unparse(_ForReaders().visit(ast.parse(annotation, mode="eval")))


def default_text(value: Any) -> str:
    """A default as a caller would write it; a function by its name, for its address changes."""
    if inspect.isroutine(value) or inspect.isclass(value):
        module = "" if value.__module__ == "builtins" else f"{value.__module__}."
        return f"{module}{value.__qualname__}"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def signature_text(name: str, function: Any, *, method: bool) -> str:
    """A call of a function as a block of code, on one line where it fits."""
    signature = inspect.signature(function)
    parameters: list[str] = []
    for parameter in list(signature.parameters.values())[1 if method else 0 :]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        text = "**" * (parameter.kind is parameter.VAR_KEYWORD) + parameter.name
        if parameter.annotation is not parameter.empty:
            text += f": {type_text(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            equals = "=" if parameter.annotation is parameter.empty else " = "
            text += f"{equals}{default_text(parameter.default)}"
        parameters.append(text)
    returned = signature.return_annotation
    known = returned is not signature.empty and not inspect.isclass(function)
    arrow = f" -> {type_text(returned)}" if known else ""
    line = f"{name}({', '.join(parameters)}){arrow}"
    if len(line) > _WIDTH:
        line = "\n".join([f"{name}(", *(f"    {each}," for each in parameters), f"){arrow}"])
    return f"```python no-run\n{line}\n```"


def markdown(text: str) -> str:
    """Prose of a docstring as Markdown: what is not code holds no markup by accident."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else _MARKUP.sub(lambda mark: f"\\{mark[0]}", part)
        for part in parts
    )


def prose(text: str) -> list[str]:
    """The paragraphs of a docstring; those that are indented are code."""
    paragraphs: list[str] = []
    for indented, lines in itertools.groupby(
        re.split(r"\n\s*?\n", text), lambda paragraph: paragraph.startswith("    ")
    ):
        if indented:
            code = textwrap.dedent("\n\n".join(lines)).rstrip()
            paragraphs.append(f"```python no-run\n{code}\n```")
        else:
            paragraphs += [markdown(" ".join(line.split())) for line in lines if line]
    return paragraphs


def bullets(title: str, entries: list[Entry]) -> list[str]:
    """A titled list of entries, or nothing where there are none."""
    if not entries:
        return []
    return [f"**{title}**", "\n".join(f"- `{name}`: {markdown(text)}" for name, text in entries)]


class Assigned(NamedTuple):
    """A name that a module assigns: its value as in the source, and the comment or docstring."""

    value: str
    about: str


def assigned(module_file: Path) -> dict[str, Assigned]:
    """What a module assigns at its top level, with the comment above or the string below it."""
    source = module_file.read_text(encoding="utf-8")
    lines = source.splitlines()
    body = ast.parse(source).body
    found = {}
    for node, after in zip(body, [*body[1:], None]):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        above: list[str] = []
        number = node.lineno - 2
        while number >= 0 and re.match("#:? ", lines[number]):
            above.insert(0, lines[number].lstrip("#: "))
            number -= 1
        about = " ".join(above)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            about = " ".join(str(after.value.value).split())
        value = ast.get_source_segment(source, node.value) or ""
        found[node.targets[0].id] = Assigned(" ".join(value.split()), about)
    return found


def annotated(module_file: Path) -> dict[str, dict[str, str]]:
    """What the classes of a module annotate, theirs and what they inherit within the module."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(module_file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            own = found[node.name] = {}
            for base in node.bases:
                own.update(found.get(ast.unparse(base), {}))
            for each in node.body:
                if isinstance(each, ast.AnnAssign):
                    own[ast.unparse(each.target)] = type_text(ast.unparse(each.annotation))
    return found


def all_assigned(folder: Path) -> dict[str, Assigned]:
    """What the modules of a folder, and of those below it, assign together."""
    found: dict[str, Assigned] = {}
    for file in sorted(folder.rglob("*.py")):
        found.update(assigned(file))
    return found

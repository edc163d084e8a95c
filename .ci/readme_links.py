"""Points the README's links at the repository while a package is built.

In a checkout the links are relative, so they lead to the page beside. On the package index there is
no page beside: there they lead to the repository, as it was at the tag of the version.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY = "https://github.com/tesote/sdk-python/blob"
_RELATIVE = re.compile(r"\]\((?![a-z]+:|#)(?P<path>[^)\s]+)\)")


def published(readme: str, version: str) -> str:
    """Return a README in which every link is absolute."""
    tagged = rf"]({REPOSITORY}/python-v{version}/\g<path>)"
    return _RELATIVE.sub(tagged, readme)


class AbsoluteLinks(MetadataHookInterface):
    """Sets the description of the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the README, and put its links right."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": published(readme, metadata["version"]),
        }

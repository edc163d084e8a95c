"""Paths without their ids, checked against all that the documentation lists."""

from __future__ import annotations

import re

import pytest

from tesote_sdk.transport.path_templates import path_template
from tests.docs.markdown import ROOT

PUBLISHED = re.findall(
    r"\| `(/[^`]*)` \|", (ROOT / "docs/architecture/resources.md").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("an_id", ["3b6f0c52-8d1e-4f0a-9a57-1c2d7e94b810", "acme", "v2", "%2F"])
def test_a_template_has_no_id_whatever_it_looks_like(an_id: str) -> None:
    assert len(PUBLISHED) == 35
    for path in PUBLISHED:
        asked = re.sub("{.*?}", an_id, path)
        assert path_template(asked) == re.sub("{.*?}", "{id}", path)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v3/accounts/a/things/b/c/d", "/v3/accounts/{id}/things/{id}/c/{id}"),
        ("/v2/accounts/", "/v2/accounts/"),
        ("/v2/ACME/1", "/v2/{id}/{id}"),
        ("/", "/"),
    ],
)
def test_a_template_of_a_path_that_the_sdk_has_no_method_for(path: str, template: str) -> None:
    assert path_template(path) == template

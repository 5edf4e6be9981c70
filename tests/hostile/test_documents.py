"""Whatever the OpenAPI documents allow or forbid is answered as they say, and never with a 500."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from portal_query.settings import PortalSettings

from tests.integration.notes.conftest import Service
from tests.integration.notifier.conftest import Notifier
from tests.integration.portal_query.conftest import Portal
from tests.support import world

_SEED = os.environ.get("RELATO_SCHEMATHESIS_SEED", "20261124")
_EXAMPLES = os.environ.get("RELATO_SCHEMATHESIS_EXAMPLES", "4")
"""For each operation; more of them, with other seeds, find more."""
_ALL = "examples,coverage,fuzzing,stateful"
# Rules that a schema cannot state are 422 as well; a projection that lies behind is 503.
_CONFIGURED = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "413", "422", "429", "503"]
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""
_KNOWN = """
[parameters]
"path.ticket_id" = "1001"
"query.min_version" = 0
"""


async def nothing_found(
    address: str, token: str, directory: Path, *, ticket: bool, phases: str = _ALL, only: str = ""
) -> None:
    """Schemathesis finds nothing; what it says is shown otherwise."""
    config = directory / "schemathesis.toml"
    await asyncio.to_thread(config.write_text, _CONFIGURED + (_KNOWN if ticket else ""))
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run", address),
        *("--header", f"Authorization: {token}", "--phases", phases, "--max-examples", _EXAMPLES),
        *(("--include-path-regex", f"^{only}") if only else ()),
        *("--seed", _SEED, "--workers", "1", "--generation-database", "none", "--no-color"),
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("person", ["carlos", "ana"])
async def test_commands_are_answered_as_documented(service: Service, tmp_path: Path, person: str) -> None:
    token = service.issuer.bearer(person, "administrator")["Authorization"]
    address = f"{service.http.base_url}/api/notes/openapi.json"
    if person == "carlos":
        await nothing_found(address, token, tmp_path, ticket=True)
    else:  # what does not depend on the ticket has been covered
        await nothing_found(address, token, tmp_path, ticket=False, phases="fuzzing,stateful")


@pytest.fixture
def settings(settings: PortalSettings) -> PortalSettings:
    """Streams that end by themselves."""
    return settings.model_copy(update={"stream_minutes": 0.001, "requests_per_second": 100_000})


@pytest.mark.parametrize("person", ["carlos", "ana"])
async def test_questions_are_answered_as_documented(portal: Portal, tmp_path: Path, person: str) -> None:
    token = portal.issuer.bearer(person)["Authorization"]
    address = f"{portal.http.base_url}/api/portal/openapi.json"
    await nothing_found(address, token, tmp_path, ticket=True)


async def test_questions_of_administrators_are_answered_as_documented(portal: Portal, tmp_path: Path) -> None:
    token = portal.issuer.bearer("davi", "administrator")["Authorization"]
    address = f"{portal.http.base_url}/api/portal/openapi.json"
    await nothing_found(address, token, tmp_path, ticket=False, only="/api/portal/admin")


async def test_templates_are_tried_as_documented(idle: Notifier, tmp_path: Path) -> None:
    await idle.publish(*world.world())
    await idle.start(requests_per_second=100_000)
    await idle.taken_in()
    token = idle.issuer.bearer("davi", "administrator")["Authorization"]
    address = f"{idle.address}/api/notifier/openapi.json"
    await nothing_found(address, token, tmp_path, ticket=False)
    assert set(idle.mailbox.seen) <= {"davi@empresa.example"}


async def test_operators_of_events_are_answered_as_documented(service: Service, tmp_path: Path) -> None:
    token = service.issuer.bearer("olga", "operator")["Authorization"]
    address = f"{service.http.base_url}/api/notes/openapi.json"
    await nothing_found(address, token, tmp_path, ticket=False, only="/api/operate/events")

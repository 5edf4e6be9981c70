"""The front door: Caddy, which makes one origin of the services."""

import re
import sysconfig
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import httpx

from relato.errors import StackError
from relato.settings import StackSettings
from relato.stack import process
from relato.stack.process import Program

_PATHS = {
    "notes": "/api/notes/openapi.json",
    "notifier": "/api/notifier/openapi.json",
    "history-projector": "/api/operate/projections",
    "portal-query": "/api/portal/openapi.json",
}
"""Of each service one that is answered without anything of others."""

_CADDYFILE = Path(__file__).parents[2] / "Caddyfile"


def program(
    settings: StackSettings,
    upstreams: Mapping[str, int],
    log: Path,
    environment: Mapping[str, str],
    state: Path,
) -> Program:
    """The front door as a process to run, in front of these ports by name; `notes-2` is one more `notes`."""
    caddy = Path(sysconfig.get_path("scripts")) / "caddy"
    if not caddy.is_file() or not _CADDYFILE.is_file():
        raise StackError(f"The front door is not installed: {caddy} and {_CADDYFILE} are needed.")
    return Program(
        name="caddy",
        argv=(str(caddy), "run", "--adapter", "caddyfile", "--config", str(_CADDYFILE)),
        environment={
            **environment,
            "XDG_DATA_HOME": str(state),
            "XDG_CONFIG_HOME": str(state),
            "RELATO_SITE": f"http://:{settings.port}",
            "RELATO_BIND": "127.0.0.1",
            "RELATO_HOST": "127.0.0.1",
            "RELATO_ORIGIN": settings.origin,
            **_upstreams(upstreams),
        },
        log=log,
        probe=lambda: _answers(settings.origin),
        address=settings.origin,
        explain=lambda text: process.last_line("\n".join(_errors(text)) or text),
    )


def _upstreams(ports: Mapping[str, int]) -> dict[str, str]:
    """Of each service the addresses of all its replicas, as the Caddyfile takes them."""
    addresses: defaultdict[str, list[str]] = defaultdict(list)
    for name, port in ports.items():
        service = re.sub(r"-\d+$", "", name).upper().replace("-", "_")
        addresses[f"RELATO_{service}_UPSTREAM"].append(f"127.0.0.1:{port}")
    return {setting: " ".join(listed) for setting, listed in addresses.items()}


def _errors(log: str) -> list[str]:
    return [line for line in log.splitlines() if '"level":"error"' in line or line.startswith("Error:")]


async def lacks(origin: str, service: str) -> str | None:
    """What keeps requests from a service; None once the front door, which looks each second, leads there."""
    async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
        try:
            answer = await client.get(origin + _PATHS[service])
        except httpx.HTTPError as error:
            return f"front door: {error or type(error).__name__}"
    away = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    return "the front door has not found it yet" if away else None


async def _answers(origin: str) -> str | None:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        try:
            await client.get(f"{origin}/front-door")
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
    return None

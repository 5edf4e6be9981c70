"""The services of Relato and the local issuer: what each is run with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from relato.settings import StackSettings
from relato.stack import caddy, databases, process
from relato.stack.databases import Databases
from relato.stack.home import Home
from relato.stack.process import Program

SERVICES = ("notes", "notifier", "history-projector", "portal-query")


def names_of(service: str, replicas: int) -> tuple[str, ...]:
    """What the processes of a service are called: the first as the service."""
    return (service, *(f"{service}-{number}" for number in range(2, replicas + 1)))


def names(replicas: int) -> tuple[str, ...]:
    """What the processes of all services are called."""
    return tuple(name for service in SERVICES for name in names_of(service, replicas))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services find: servers by address, and a port for each."""

    settings: StackSettings
    home: Home
    databases: Databases
    ports: Mapping[str, int]
    kafka: str
    smtp: str
    environment: Mapping[str, str]

    def programs(self) -> tuple[Program, ...]:
        """The four services as processes to run, as many of each as there are to be."""
        return tuple(
            self._service(name, service)
            for service in SERVICES
            for name in names_of(service, self.settings.replicas)
        )

    def issuer(self) -> Program:
        """The local issuer as a process to run."""
        return self._program(
            "issuer",
            "relato.issuer",
            {
                "RELATO_ADMIN_DATABASE_URL": databases.address(self.databases.admin, "history"),
                "RELATO_OIDC_CLIENT_SECRET": self._client_secret(),
            },
            probe_path="/healthz",
        )

    def _service(self, name: str, service: str) -> Program:
        module = service.replace("-", "_")
        return self._program(name, module, self._own(service), probe_path="/readyz", service=service)

    def _own(self, service: str) -> dict[str, str]:
        url = self.databases.url
        match service:
            case "notes":
                return {
                    "RELATO_DATABASE_URL": url("notes", "notes"),
                    "RELATO_LOG_KEY_FILE": str(self.home.log_key()),
                    "RELATO_ERASURES_FILE": str(self.home.erasures),
                }
            case "notifier":
                return {"RELATO_DATABASE_URL": url("notifier", "notifier"), "RELATO_SMTP_URL": self.smtp}
            case "history-projector":
                return {
                    "RELATO_DATABASE_URL": url("history_projector", "history"),
                    "RELATO_ERASURES_FILE": str(self.home.erasures),
                }
            case _:
                return {
                    "RELATO_DATABASE_URL": url("portal_query", "history"),
                    "RELATO_EXECUTOR_DATABASE_URL": url("portal_executor", "history"),
                    "RELATO_REQUESTER_DATABASE_URL": url("portal_requester", "history"),
                    "RELATO_OIDC_CLIENT_ID": self.settings.oidc_client_id,
                    "RELATO_OIDC_CLIENT_SECRET": self._client_secret(),
                    "RELATO_SESSION_SECRET": self.home.secret("session"),
                }

    def _client_secret(self) -> str:
        given = self.settings.oidc_client_secret
        return given.get_secret_value() if given else self.home.secret("oidc-client")

    def _program(
        self, name: str, module: str, own: Mapping[str, str], probe_path: str, service: str = ""
    ) -> Program:
        address = f"http://127.0.0.1:{self.ports[name]}"
        return Program(
            name=name,
            argv=process.module(module),
            environment={
                **self.environment,
                "RELATO_KAFKA_BOOTSTRAP": self.kafka,
                "RELATO_OIDC_ISSUER": self.settings.issuer,
                "RELATO_OIDC_AUDIENCE": "relato",
                "RELATO_OIDC_CLIENT_ID": self.settings.oidc_client_id,
                "RELATO_HTTP_HOST": "127.0.0.1",
                "RELATO_HTTP_PORT": str(self.ports[name]),
                "RELATO_PUBLIC_URL": self.settings.origin,
                "RELATO_LOG_FORMAT": "json",
                **own,
            },
            log=log_of(self.home, name),
            probe=lambda: self._lacks(address + probe_path, service),
            address=address,
            service=service,
            patience=90.0,
        )

    async def _lacks(self, url: str, service: str) -> str | None:
        """A service is ready once it says so and the front door leads there."""
        return await lacks(url) or (await caddy.lacks(self.settings.origin, service) if service else None)


def log_of(home: Home, name: str) -> Path:
    """Where a process writes what it has to say."""
    return home.logs / f"{name}.log"


async def lacks(url: str) -> str | None:
    """What a service says it lacks; None when it is ready."""
    return (await says(url))[0]


async def says(url: str) -> tuple[str | None, dict[str, str]]:
    """What a service lacks, None when it is ready; and what it says besides."""
    async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__, {}
    try:
        body = answer.json()
        missing, remarks = body["missing"], body.get("remarks", {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None if answer.is_success else answer.text.strip()[:500], {}
    if answer.is_success:
        return None, remarks
    return "; ".join(f"{part}: {what}" for part, what in missing.items())[:500], remarks

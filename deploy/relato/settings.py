"""Settings of the local stack, read once from ``RELATO_*`` in the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from relato.errors import StackError


def checkout() -> Path:
    """The directory that holds the workspace this program belongs to, else the current one."""
    for directory in Path(__file__).resolve().parents:
        if (directory / "uv.lock").is_file():
            return directory
    return Path.cwd()


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


def _one_or_three(number: int) -> int:
    if number not in (1, 3):
        raise ValueError("one broker, or three of which one may be away")
    return number


class StackSettings(BaseSettings):
    """Where the local stack lives, and which servers it finds instead of starting its own."""

    model_config = SettingsConfigDict(
        env_prefix="RELATO_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    home: Annotated[Path, AfterValidator(_absolute)] = Field(default_factory=lambda: checkout() / ".relato")
    """State, data, logs and secrets, readable by their owner alone."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    """Port of the one origin, on 127.0.0.1."""
    kafka_brokers: Annotated[int, AfterValidator(_one_or_three)] = 1
    """Three hold every record three times, and go on while one of them is away; chosen once for a home."""
    replicas: Annotated[int, Field(ge=1, le=9)] = 1
    """Of each service, behind the front door."""
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 12
    """Of each topic, when it is made; chosen once, since a ticket has to stay on its partition."""
    replication: Annotated[int, Field(ge=1, le=100)] | None = None
    """Of each topic, when it is made: unless it is said three times, where there are as many brokers."""
    postgres_url: SecretStr | None = None
    """An existing PostgreSQL, as someone who may create databases and roles."""
    kafka_bootstrap: str | None = None
    """An existing Kafka: ``host:port,…``; its security settings are those of the services."""
    smtp_url: str | None = None
    """An existing mail server: ``smtp://host:port``."""
    oidc_issuer: str | None = None
    """An existing OpenID Connect issuer."""
    oidc_client_id: str = "relato-portal"
    oidc_client_secret: SecretStr | None = None
    """The portal's secret at an existing issuer; the local issuer's is generated."""

    @property
    def origin(self) -> str:
        """The one origin that people and programs see."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        """The issuer whose tokens the services accept."""
        return self.oidc_issuer or f"{self.origin}/issuer"


def load() -> StackSettings:
    """Read the settings, or raise StackError with everything that is wrong at once."""
    try:
        return StackSettings()
    except ValidationError as error:
        raise StackError(problems(error)) from None


def problems(error: ValidationError) -> str:
    """What is wrong with settings, one a line, without what was given."""
    return "\n".join(
        f"RELATO_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    )

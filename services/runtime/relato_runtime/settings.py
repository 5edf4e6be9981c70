"""Settings that every service has, read once from ``RELATO_*`` in the environment."""

import sys
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class KafkaSettings(BaseSettings):
    """How to reach the cluster, which is all that some programs need."""

    model_config = SettingsConfigDict(env_prefix="RELATO_", frozen=True, extra="ignore")

    kafka_bootstrap: str
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: str = ""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    """Stands before the names of topics and consumer groups, where several installations share a cluster."""


class ServiceSettings(KafkaSettings):
    """What any service needs; each service adds its own in a subclass."""

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    database_url: SecretStr
    database_pool: Annotated[int, Field(ge=2, le=200)] = 10

    oidc_issuer: str
    oidc_audience: str = "relato"
    oidc_roles_claim: str = "roles"
    oidc_algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")

    requests_per_second: Annotated[int, Field(ge=1)] = 50
    """How many requests one person may make a second, to one process, before 429."""


Settings = TypeVar("Settings", bound=ServiceSettings)
_Any = TypeVar("_Any", bound=KafkaSettings)


def load(model: type[_Any]) -> _Any:
    """Read a program's settings, or say everything that is wrong with them at once and exit 1."""
    try:
        return model()  # type: ignore[call-arg,unused-ignore]  # the fields come from the environment
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "RELATO_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        raise SystemExit(1) from None

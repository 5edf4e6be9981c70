"""Settings of the issuer, as the local stack hands them over."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class IssuerSettings(BaseSettings):
    """What the issuer is run with; anything but the loopback interface is refused."""

    model_config = SettingsConfigDict(env_prefix="RELATO_", frozen=True, extra="ignore")

    home: Path
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)]
    public_url: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: SecretStr
    admin_database_url: SecretStr

    @model_validator(mode="after")
    def _loopback_only(self) -> Self:
        for host in (self.http_host, urlsplit(self.public_url).hostname, urlsplit(self.oidc_issuer).hostname):
            if not host or not _is_loopback(host):
                raise ValueError(
                    f"the local issuer lets anyone be anyone, so it serves loopback alone, not {host}"
                )
        return self

    @property
    def redirect_uri(self) -> str:
        """The only address that codes are sent to."""
        return f"{self.public_url}/callback"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Settings of the notifier."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, model_validator
from relato_contracts.itsm import EmailAddress, Language, TimeZone
from relato_runtime.settings import ServiceSettings

_ADDRESS: TypeAdapter[str] = TypeAdapter(EmailAddress)
_NAMED = re.compile(r"([^<>\r\n]*)<([^<>]+)>")
_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over, and how."""

    host: str
    port: int
    username: str | None
    password: str | None
    encryption: Literal["none", "tls", "starttls"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails are from: an address, and a name that may be empty."""

    name: str
    address: str


def mail_server(url: str) -> MailServer:
    """Read ``smtp://user:password@host:port``, ``smtps://…`` or ``…?starttls=true``; or ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/"):
        raise ValueError("expected smtp://[user:password@]host[:port][?starttls=true] or smtps://…")
    wanted = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    if set(wanted) - {"starttls"} or wanted.get("starttls", ["true"]) not in (["true"], ["false"]):
        raise ValueError("the only option is starttls=true or starttls=false")
    starttls = wanted.get("starttls") == ["true"]
    if starttls and parts.scheme == "smtps":
        raise ValueError("smtps:// is encrypted from the start and needs no starttls")
    return MailServer(
        host=parts.hostname,
        port=parts.port or (587 if starttls else _PORTS[parts.scheme]),
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        encryption="tls" if parts.scheme == "smtps" else "starttls" if starttls else "none",
    )


def sender(text: str) -> Sender:
    """Read ``a@b.c`` or ``Name <a@b.c>``; ``ValueError`` for anything else."""
    named = _NAMED.fullmatch(text.strip())
    name, address = (named[1].strip().strip('"'), named[2]) if named else ("", text.strip())
    try:
        return Sender(name, _ADDRESS.validate_python(address))
    except ValidationError as error:
        raise ValueError("expected an address, or a name and an address in angle brackets") from error


def _readable_server(url: SecretStr) -> SecretStr:
    mail_server(url.get_secret_value())
    return url


def _readable_sender(text: str) -> str:
    sender(text)
    return text


class NotifierSettings(ServiceSettings):
    """What the notifier needs beyond what every service needs."""

    smtp_url: Annotated[SecretStr, AfterValidator(_readable_server)]
    """``smtp://user:password@host:port``, ``smtps://…``, or ``?starttls=true`` behind the former."""
    smtp_connect_seconds: Annotated[float, Field(gt=0, le=120)] = 10
    """How long connecting and logging in may take."""
    smtp_timeout_seconds: Annotated[float, Field(gt=0, le=900)] = 30
    """How long handing over one mail may take before its outcome counts as uncertain."""
    lease_seconds: Annotated[float, Field(gt=0, le=3_600)] = 60
    """How long a process may hold a mail; after a crash, others wait for this long."""
    senders: Annotated[int, Field(ge=1, le=64)] = 4
    """How many mails one process hands over at the same time."""
    sender: Annotated[str, AfterValidator(_readable_sender)] = "Relato <relato@localhost>"
    """Who mails are from while parameter 10 holds no address."""

    public_url: HttpUrl
    """Where people reach Relato: links in mails begin with it."""
    default_language: Language = "pt-BR"
    """Of readers who are no persons: the addresses of a group."""
    default_time_zone: TimeZone = "America/Sao_Paulo"

    attempts_limit: Annotated[int, Field(ge=1)] = 1_000
    """More than fit into the age limit, which decides while a mail server is away."""
    first_retry_seconds: Annotated[float, Field(gt=0, le=150)] = 10
    """The first retry comes within this time, the next within twice as long, and so on."""
    longest_retry_seconds: Annotated[float, Field(gt=0)] = 3_600
    age_limit_hours: Annotated[float, Field(gt=0)] = 72
    """What is older is not mailed any more."""
    recipient_per_minute: Annotated[int, Field(ge=1)] = 600
    recipient_burst: Annotated[int, Field(ge=1)] = 300
    domain_per_minute: Annotated[int, Field(ge=1)] = 30_000
    domain_burst: Annotated[int, Field(ge=1)] = 3_000

    chat_quiet_seconds: Annotated[float, Field(ge=0)] = 900
    """One mail (447) per ticket and recipient in this time, however much is written meanwhile."""
    reference_patience_seconds: Annotated[float, Field(ge=0)] = 900
    """How long a mail waits for a ticket, person or group that has not arrived."""
    configuration_patience_seconds: Annotated[float, Field(ge=0)] = 3
    """How long a mail waits for a parameter or template before it counts as not configured."""
    render_seconds: Annotated[float, Field(gt=0, le=60)] = 2
    """How long a template may take."""

    @model_validator(mode="after")
    def _lease_outlasts_sending(self) -> Self:
        if self.lease_seconds < self.smtp_connect_seconds + self.smtp_timeout_seconds + 5:
            raise ValueError(
                "RELATO_LEASE_SECONDS must be at least 5 more than RELATO_SMTP_CONNECT_SECONDS and "
                "RELATO_SMTP_TIMEOUT_SECONDS together"
            )
        return self

    @property
    def mail_server(self) -> MailServer:
        """Where mails are handed over."""
        return mail_server(self.smtp_url.get_secret_value())

    @property
    def lease(self) -> timedelta:
        """How long a process may hold a mail."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def age_limit(self) -> timedelta:
        """How old an event or a mail may be and still be sent."""
        return timedelta(hours=self.age_limit_hours)

    @property
    def chat_quiet(self) -> timedelta:
        """One chat mail per ticket and recipient in this time."""
        return timedelta(seconds=self.chat_quiet_seconds)

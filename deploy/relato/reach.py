"""How operators' commands reach an installation: by settings, else by the local stack that runs."""

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from relato_runtime.settings import KafkaSettings

from relato import settings as stack_settings
from relato.errors import StackError
from relato.issuer import keys, people
from relato.stack import databases, state
from relato.stack.home import Home
from relato.stack.state import StackState

DatabaseName = Literal["notes", "notifier", "history"]


class Given(BaseSettings):
    """Addresses that stand before those of the local stack."""

    model_config = SettingsConfigDict(
        env_prefix="RELATO_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    notes_database_url: SecretStr | None = None
    notifier_database_url: SecretStr | None = None
    history_database_url: SecretStr | None = None
    kafka_bootstrap: str | None = None
    public_url: str | None = None
    token: SecretStr | None = None
    """Of somebody who may do what is asked, where tokens come from another issuer than the local one."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where everything is; asking for what is nowhere raises StackError."""

    given: Given
    home: Home
    running: StackState | None

    def database(self, name: DatabaseName) -> str:
        """The address of a service's database."""
        given: SecretStr | None = getattr(self.given, f"{name}_database_url")
        if given is not None:
            return given.get_secret_value()
        return databases.address(self._running(f"RELATO_{name.upper()}_DATABASE_URL").postgres, name)

    def kafka(self) -> KafkaSettings:
        """How to reach the cluster, with the services' own settings of its security."""
        bootstrap = self.given.kafka_bootstrap or self._running("RELATO_KAFKA_BOOTSTRAP").kafka
        try:
            return KafkaSettings(kafka_bootstrap=bootstrap)
        except ValidationError as error:
            raise StackError(stack_settings.problems(error)) from None

    def origin(self) -> str:
        """The front door."""
        return (self.given.public_url or self._running("RELATO_PUBLIC_URL").origin).rstrip("/")

    def issues_tokens(self) -> bool:
        """Whether tokens of anybody can be had, which is so with the local issuer alone."""
        return self.running is not None and self.running.local_issuer

    def token(self, person_id: str, name: str) -> str:
        """A token of somebody, whether or not the ITSM's facts about them have arrived."""
        running = self._running("RELATO_TOKEN")
        if not running.local_issuer:
            raise StackError(f"Tokens come from {running.issuer} here, not from the local issuer.")
        claims: dict[str, str | list[str] | int] = {
            "name": name,
            "roles": people.roles(self.home.root, person_id),
        }
        signing = keys.key(self.home.secrets)
        return keys.sign(signing, running.issuer, keys.AUDIENCE, person_id, claims)

    def administrators_token(self) -> str:
        """RELATO_TOKEN, else a token of the local stack's first administrator."""
        return self._token_of("administrator")

    def operators_token(self) -> str:
        """RELATO_TOKEN, else a token of the local stack's first operator."""
        return self._token_of("operator")

    def _token_of(self, role: str) -> str:
        if self.given.token is not None:
            return self.given.token.get_secret_value()
        self._running("RELATO_TOKEN")
        return self.token(people.holder(self.home.root, role), "relato")

    def _running(self, setting: str) -> StackState:
        if self.running is None:
            raise StackError(
                f"Relato does not run from {self.home.root}, and {setting} is not set. "
                "`relato up` starts it here."
            )
        return self.running


def reach() -> Reach:
    """What the settings and the local stack say now."""
    home = Home(stack_settings.load().home)
    try:
        given = Given()
    except ValidationError as error:
        raise StackError(stack_settings.problems(error)) from None
    return Reach(given, home, state.read(home))

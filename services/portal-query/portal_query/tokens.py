"""What the issuer gave for a person, and how it is kept: encrypted."""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

log = structlog.get_logger(__name__)

_ENCRYPTED = {"alg": "dir", "enc": "A256GCM"}
_ON_ITS_WAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the issuer gave for a person, and until when the access token counts."""

    access_token: str
    refresh_token: str | None
    id_token: str | None
    """With which the issuer is told who logs out."""
    expire_at: datetime

    @property
    def fresh(self) -> bool:
        """Whether the access token can be handed on without expiring on its way."""
        return self.expire_at - datetime.now(UTC) > _ON_ITS_WAY


class Seal:
    """Encrypts tokens with a key made of the settings' secret."""

    def __init__(self, secret: str) -> None:
        self._key = OctKey.import_key(hmac.digest(secret.encode(), b"relato session tokens", "sha256"))

    def close(self, tokens: Tokens) -> str:
        """A JWE of the tokens."""
        kept = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "id_token": tokens.id_token,
        }
        return jwe.encrypt_compact(_ENCRYPTED, json.dumps(kept).encode(), self._key)

    def open(self, sealed: str, expire_at: datetime) -> Tokens | None:
        """The tokens of a JWE; None when another secret has closed it."""
        try:
            plaintext = jwe.decrypt_compact(sealed, self._key).plaintext
        except JoseError as error:
            # The secret was changed, which is how an operator ends all sessions.
            log.info("session cannot be opened", error=type(error).__name__)
            return None
        kept = json.loads(plaintext or b"")
        return Tokens(kept["access_token"], kept["refresh_token"], kept.get("id_token"), expire_at)

"""The issuer's signing key, made once and readable by its owner alone, and the tokens it signs."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import RSAKey

from relato.errors import StackError
from relato.stack.home import plain_errors, write_private

ALGORITHM = "RS256"
AUDIENCE = "relato"
TOKEN_SECONDS = 8 * 3600
"""A working day: whoever came in the morning is not thrown out in the middle of a note."""


def key(secrets: Path) -> RSAKey:
    """The key in that directory, made up when there is none; its ``kid`` is its thumbprint (RFC 7638)."""
    path = secrets / "issuer-key.json"
    with plain_errors(path):
        if not path.exists():
            made = RSAKey.generate_key(2048, auto_kid=True)
            write_private(path, json.dumps(made.as_dict(private=True)))
        try:
            return RSAKey.import_key(json.loads(path.read_text()))
        except ValueError as error:
            raise StackError(
                f"The issuer's key {path} is damaged. Remove it, and a new one is made."
            ) from error


def sign(
    key: RSAKey, issuer: str, audience: str, subject: str, claims: Mapping[str, str | list[str] | int]
) -> str:
    """A signed token about someone, good for eight hours from now."""
    now = int(time.time())
    return jwt.encode(
        {"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"},
        {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **claims,
        },
        key,
        algorithms=[ALGORITHM],
    )

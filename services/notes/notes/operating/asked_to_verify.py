"""What a verification is asked for, and the beginning of one."""

from typing import Annotated

from pydantic import Field, StringConstraints
from relato_runtime import jobs
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Wish
from relato_runtime.problems import invalid

from notes import signing

_Key = Annotated[str, StringConstraints(max_length=500)]
_Note = Annotated[str, StringConstraints(max_length=2_000)]


class VerifyWish(Wish):
    """How strict a verification is."""

    outbox_seconds: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 60
    """For how long an event may have waited for Kafka."""
    log_keys: Annotated[tuple[_Key, ...], Field(max_length=100)] = ()
    """Public keys that heads may be signed with, in place of those that notes is told of."""
    kept_heads: Annotated[tuple[_Note, ...], Field(max_length=100)] = ()
    """Checkpoints that were kept elsewhere: the log still has to begin with them."""


async def ask(pool: Pool, operation: Operation, wish: VerifyWish) -> int | None:
    """Begin it, unless it is a dry run; raises ``Held`` while another job is under way."""
    try:
        signing.keys(wish.log_keys)
    except ValueError as error:
        raise invalid(FieldError("/log_keys", "These are no public keys of a log.")) from error
    given = wish.model_dump(mode="json", include={"outbox_seconds", "log_keys", "kept_heads"})
    return await jobs.ask(pool, operation, given)

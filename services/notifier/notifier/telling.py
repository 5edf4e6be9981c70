"""What became of a ticket's mails, told once more: where Kafka has lost it while everything ran."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from relato_contracts.fields import Id
from relato_runtime import operations
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems

from notifier import restored

TELL = "tell"


class TellWish(Wish):
    """Of which ticket."""

    ticket_id: Id


class ToldAgain(BaseModel):
    """How many mails that have come to an end were told once more, or with ``dry_run`` would be."""

    action: str
    ticket_id: str
    mails: int
    dry_run: bool


class _NothingKept(Exception):
    """Ends the transaction of a dry run."""


def routes(pool: Pool, operator: Operator) -> APIRouter:
    """The route ``/api/operate/mails/ledger/tell``."""
    router = APIRouter(prefix="/api/operate/mails/ledger", tags=["verification"])

    @router.post("/tell", responses=problems(400, 401, 403, 413, 422, 429, 503))
    async def tell(who: Annotated[Caller, Depends(operator)], wish: TellWish) -> ToldAgain:
        """Publish once more what became of a ticket's mails; who has it drops it, and nobody is mailed."""
        operation = Operation("mails", TELL, who, wish.reason, wish.dry_run)
        number = 0
        try:
            async with pool.acquire() as connection, connection.transaction():
                number = await restored.tell_again(connection, [wish.ticket_id], None, timedelta())
                if wish.dry_run:
                    raise _NothingKept
                await operations.record(connection, operation, wish.ticket_id)
        except _NothingKept:
            async with pool.acquire() as connection:
                await operations.record(connection, operation, wish.ticket_id)
        return ToldAgain(action=TELL, ticket_id=wish.ticket_id, mails=number, dry_run=wish.dry_run)

    return router

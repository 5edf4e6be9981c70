"""What is said about a ticket above its entries, asked for anew when something happened on it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from relato_runtime.database import Pool

from portal_query import read, read_about, read_forms, read_offers, view
from portal_query.http import TicketId
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages


def routes(pages: Pages, readers: Readers, pool: Pool) -> APIRouter:
    """The part of a ticket's page; ``pool`` is of the role that reads for executors."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    @router.get("/desk/tickets/{ticket_id}/head")
    async def head(request: Request, reader: Who, ticket_id: TicketId) -> Response:
        row = await read.ticket(pool, reader.person_id, ticket_id)
        if (
            row is None
        ):  # an open page is told so, and nothing on it is lost; it says the same of unknown ones
            return pages.page(request, reader, "ticket/lost.html")
        return pages.page(
            request,
            reader,
            "ticket/head.html",
            ticket=view.ticket(row),
            about=await read_about.ticket(pool, reader.person_id, ticket_id),
            may=await read_offers.offers(pool, reader.person_id, row),
            mailing=await read_forms.mailing(pool, row["requester_id"]),
        )

    return router

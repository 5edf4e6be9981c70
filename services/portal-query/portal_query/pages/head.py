"""What is said about a ticket above its entries and can be done on it: asked for anew when it changes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from relato_runtime.database import Pool

from portal_query import read, read_about, read_forms, read_offers, read_requests, view
from portal_query.http import TicketId
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages


def routes(pages: Pages, readers: Readers, executors: Pool, requesters: Pool) -> APIRouter:
    """The part of a ticket's page, for both sides.

    An open page whose reader may not see the ticket any more is told so, and nothing on it is lost.
    """
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    @router.get("/desk/tickets/{ticket_id}/head")
    async def head(request: Request, reader: Who, ticket_id: TicketId) -> Response:
        row = await read.ticket(executors, reader.person_id, ticket_id)
        if row is None:
            return pages.page(request, reader, "ticket/lost.html")
        return pages.page(
            request,
            reader,
            "ticket/head.html",
            ticket=view.ticket(row),
            about=await read_about.ticket(executors, reader.person_id, ticket_id),
            may=await read_offers.offers(executors, reader.person_id, row),
            mailing=await read_forms.mailing(executors, row["requester_id"]),
        )

    @router.get("/portal/requests/{ticket_id}/head")
    async def own(request: Request, reader: Who, ticket_id: TicketId) -> Response:
        row = await read_requests.request(requesters, reader.person_id, ticket_id)
        if row is None:
            return pages.page(request, reader, "ticket/lost.html")
        may = await read_requests.offers(requesters, row["status"])
        return pages.page(request, reader, "portal/head.html", ticket=view.request(row), may=may)

    return router

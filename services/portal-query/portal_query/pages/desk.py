"""The desk's page: a list of tickets that can be searched and narrowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from relato_runtime.database import Pool
from relato_runtime.problems import Problem

from portal_query import read, read_forms, view
from portal_query.http import PAGE, CursorText, Filter, Portal, Search, page
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.read import Filters


@dataclass(frozen=True, slots=True)
class Asked:
    """The form above the list, as it was sent; an empty field asks for everything."""

    q: str
    status: Sequence[str]
    group: str
    assignee: str

    @property
    def filters(self) -> Filters:
        """As the statement takes it."""
        return Filters(
            self.q.strip() or None, list(self.status) or None, self.group or None, self.assignee or None
        )

    @property
    def query(self) -> str:
        """As an address."""
        pairs = [("q", self.q), *(("status", each) for each in self.status)]
        pairs += [("group", self.group), ("assignee", self.assignee)]
        return urlencode([pair for pair in pairs if pair[1]])


def routes(portal: Portal, pages: Pages, readers: Readers, pool: Pool) -> APIRouter:
    """The page ``/desk``; ``pool`` is of the role that reads for executors."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    @router.get("/desk")
    async def desk(  # noqa: PLR0917  # one for each field of the form
        request: Request,
        reader: Who,
        q: Search = None,
        status: Annotated[list[Filter] | None, Query()] = None,
        group: Filter = "",
        assignee: Filter = "",
        cursor: CursorText = None,
    ) -> Response:
        if not reader.has_desk:
            raise Problem(403, "not-permitted", "Only members of groups that execute tickets see the desk.")
        asked = Asked(q or "", [each for each in status or () if each], group, assignee)
        before = (read.LAST, "")
        if cursor is not None:
            at, ticket_id = portal.cursors.read("tickets", cursor)
            before = (datetime.fromisoformat(str(at)), str(ticket_id))
        rows = await read.tickets(pool, reader.person_id, asked.filters, before, PAGE + 1)
        found = page(
            portal.cursors,
            "tickets",
            [view.ticket(row) for row in rows],
            lambda n: (rows[n]["last_activity_at"], rows[n]["ticket_id"]),
        )
        further = cursor is not None and "hx-request" in request.headers
        return pages.page(
            request,
            reader,
            "desk/rows.html" if further else "desk/desk.html",
            found=found,
            asked=asked,
            now=reader.now,
            options=None if further else await read_forms.options(pool, reader.person_id),
        )

    return router

"""The pages of operators: frames, whose scripts are clients of the operators' API as the command line is."""

from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from relato_contracts.envelope import type_name
from relato_contracts.topics import NOTES
from relato_runtime.problems import Problem

from portal_query.http import CursorText
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.past import Past, SeenBy

_PARTS = {
    "/ops": "now",
    "/ops/projections": "projections",
    "/ops/events": "events",
    "/ops/log": "log",
    "/ops/mails": "mails",
    "/ops/dead-letters": "dead-letters",
    "/ops/audit": "audit",
}

_TYPES = sorted(type_name(fact) for fact in NOTES.facts)


@dataclass(frozen=True, slots=True)
class Form:
    """Which past is asked for, as it was sent."""

    ticket: str
    as_of: str
    seen_by: SeenBy


def routes(pages: Pages, readers: Readers, past: Past) -> APIRouter:
    """The pages below ``/ops``."""
    router = APIRouter(include_in_schema=False)

    async def operator(reader: Annotated[Reader, Depends(readers.of)]) -> Reader:
        if not reader.is_operator:
            raise Problem(403, "not-permitted", "Only operators see how Relato runs.")
        return reader

    def add(path: str, template: str) -> None:
        @router.get(path)
        async def part(request: Request, reader: Annotated[Reader, Depends(operator)]) -> Response:
            return pages.page(request, reader, template, types=_TYPES)

    for path, template in _PARTS.items():
        add(path, f"ops/{template}.html")

    @router.get("/ops/history")
    async def history(  # noqa: PLR0917  # one for each parameter of the query
        request: Request,
        reader: Annotated[Reader, Depends(operator)],
        ticket: Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")] = "",
        as_of: Annotated[str, Query(max_length=40)] = "",
        seen_by: SeenBy = "everybody",
        cursor: CursorText = None,
    ) -> Response:
        form = Form(ticket, as_of, seen_by)
        found = await past.entries(ticket, reader.moment(form.as_of), seen_by, cursor) if ticket else None
        return pages.page(
            request, reader, "ops/history.html", form=form, found=found, query=urlencode(asdict(form))
        )

    return router

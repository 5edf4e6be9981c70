"""Messages, chat and what was seen over HTTP: a request becomes a command."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse
from relato_contracts.fields import Id
from relato_runtime.caller import Caller
from uuid6 import uuid7

from notes import bodies, commands, text
from notes.asking import Asking, asked
from notes.requests import body

TicketId = Annotated[Id, Path()]
_TICKET = "/tickets/{ticket_id}"


def add_routes(asking: Asking) -> None:
    """Add the routes below ``/api/notes/tickets/…`` that are not about occurrences."""
    Who = Annotated[Caller, Depends(asking.caller)]

    @asking.post(_TICKET + "/messages", bodies.MessageBody, "message_id", "notification")
    async def send_message(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Write to the requester; as the requester, write to whoever executes the ticket."""
        given = await body(request, bodies.MessageBody)
        command = commands.SendMessage(
            *asked(ticket_id, who),
            message_id=UUID(str(uuid7())),
            text=text.read(given.text_html),
            notify_by_email=given.notify_by_email,
        )
        return await asking.answer(request, given, command)

    @asking.post(_TICKET + "/chat", bodies.ChatBody, "message_id")
    async def post_chat(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Say something in the ticket's chat."""
        given = await body(request, bodies.ChatBody)
        command = commands.PostChat(
            *asked(ticket_id, who),
            message_id=UUID(str(uuid7())),
            text=given.text,
        )
        return await asking.answer(request, given, command)

    @asking.post(_TICKET + "/views", bodies.ViewBody, "recorded")
    async def mark_viewed(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Say how far the requester has read; 200 and no fact when that is nothing new."""
        given = await body(request, bodies.ViewBody)
        command = commands.MarkViewed(
            *asked(ticket_id, who),
            up_to_version=given.up_to_version,
        )
        return await asking.answer(request, given, command)

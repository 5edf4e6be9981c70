"""Composed mails into rows of the ledger: rendered, with headers, each following the one before it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import MessageError

from prometheus_client import Counter
from relato_contracts.envelope import serialise, type_name

from notifier import message
from notifier.compose import Draft, Suppressed
from notifier.event import Event, subject_id
from notifier.message import Headed
from notifier.plans import Mail
from notifier.render import Rendered, Renderer, TemplateError
from notifier.settings import Sender

PLANNED = Counter("relato_mails_planned", "Mails planned, or suppressed at once", ["state"])


class Clerk:
    """Writes the mails of one batch; ``threads`` holds, by ticket and recipient, earlier Message-IDs."""

    def __init__(self, renderer: Renderer, sender: Sender, threads: dict[tuple[str, str], list[str]]) -> None:
        self.written: list[Mail] = []
        self._renderer = renderer
        self._sender = sender
        self._threads = threads

    async def write(self, mails: Sequence[tuple[Event, Draft | Suppressed]]) -> None:
        """Add the rows of mails; one that cannot be rendered is suppressed, and says why."""
        drafts = [mail for _, mail in mails if isinstance(mail, Draft)]
        made = iter(await self._renderer.render_all([(each.variant, each.letter) for each in drafts]))
        for event, mail in mails:
            row = self._row(event, mail, next(made)) if isinstance(mail, Draft) else _suppressed(event, mail)
            PLANNED.labels(row.state).inc()
            self.written.append(row)

    def _row(self, event: Event, draft: Draft, rendered: Rendered | TemplateError) -> Mail:
        if isinstance(rendered, TemplateError):
            return _suppressed(event, _instead_of(draft, f"template-error: {rendered}"))
        try:
            return self._addressed(event, draft, rendered)
        except (ValueError, MessageError) as error:
            return _suppressed(event, _instead_of(draft, f"bad-address: {type(error).__name__}"))

    def _addressed(self, event: Event, draft: Draft, rendered: Rendered) -> Mail:
        ticket_id, address = event.fact.ticket_id, draft.reader.address
        thread = self._threads.setdefault((ticket_id, address), [])
        mail_id = message.mail_id(event.id, address, draft.template_id)
        headed = Headed(
            mail_id=mail_id,
            sender=self._sender,
            recipient=address,
            recipient_name=draft.reader.name,
            ticket_id=ticket_id,
            date=datetime.now(UTC),
            thread=tuple(thread),
        )
        source = message.build(headed, rendered)
        message_id = message.message_id(mail_id, self._sender)
        self._threads[ticket_id, address] = [*thread[:1], message_id]
        return Mail(
            mail_id=mail_id,
            event_id=event.id,
            event_version=event.version,
            event_at=event.at,
            correlation_id=event.correlation_id,
            traceparent=event.traceparent,
            ticket_id=ticket_id,
            subject_id=subject_id(event.fact),
            parameter=draft.parameter,
            recipient=address,
            recipient_role=draft.reader.role,
            template_id=draft.template_id,
            state="planned",
            sender=message.deliverable(self._sender.address),
            message_id=message_id,
            source=source,
        )


def _instead_of(draft: Draft, reason: str) -> Suppressed:
    return Suppressed(draft.parameter, draft.reader.role, draft.reader.address, draft.template_id, reason)


def _suppressed(event: Event, mail: Suppressed) -> Mail:
    return Mail(
        mail_id=message.mail_id(event.id, mail.address, mail.template_id),
        event_id=event.id,
        event_version=event.version,
        event_at=event.at,
        correlation_id=event.correlation_id,
        traceparent=event.traceparent,
        ticket_id=event.fact.ticket_id,
        subject_id=subject_id(event.fact),
        parameter=mail.parameter,
        recipient=mail.address,
        recipient_role=mail.role,
        template_id=mail.template_id,
        state="suppressed",
        reason=mail.reason.replace("\0", ""),
        event_type=type_name(type(event.fact)),
        event_data=serialise(event.fact).decode(),
    )

"""`relato emails`: what became of each mail, and decisions about those that need one."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_string, policy
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from notifier import ledger
from notifier.ledger import LedgerError, MailDetail, MailSummary, State
from relato_runtime.database import Connection

from relato.commands import tables
from relato.commands.confirm import confirm
from relato.commands.outcome import refusing
from relato.connected import connected
from relato.errors import StackError
from relato.reach import reach

MailId = Annotated[UUID, typer.Argument(metavar="MAIL_ID", help="As the list gives it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say whether it can be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Answer = TypeVar("Answer")
Decision = Callable[[Connection], Awaitable[None]]


class _NothingKept(Exception):
    """Ends the transaction of a dry run."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be done to a mail, and how."""

    action: str
    mail_id: UUID
    dry_run: bool
    yes: bool
    as_json: bool


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="emails")

    @group.callback()
    def _group() -> None:
        """Mails: what became of each, and what to do about it."""

    @group.command("list")
    def list_(
        ticket: Annotated[str | None, typer.Option(help="Of this ticket alone.")] = None,
        state: Annotated[State | None, typer.Option(help="In this state alone.")] = None,
        as_json: Json = False,
    ) -> None:
        """List mails, oldest first."""
        with refusing():
            mails = asyncio.run(_asked(lambda connection: ledger.listing(connection, ticket, state)))
        if as_json:
            print(json.dumps(mails, ensure_ascii=False))
        else:
            _show_all(mails)

    @group.command()
    def show(mail_id: MailId, as_json: Json = False) -> None:
        """Show a mail, and the server's last answer; with --json also its source as it was sent."""
        with refusing():
            mail = asyncio.run(_asked(lambda connection: ledger.one(connection, mail_id)))
        if as_json:
            print(json.dumps(mail, ensure_ascii=False))
        else:
            _show_one(mail)

    @group.command()
    def retry(mail_id: MailId, dry_run: DryRun = False, yes: Yes = False, as_json: Json = False) -> None:
        """Try a mail again now that was refused, given up, or waits for its next attempt."""
        _decide(_Asked("retry", mail_id, dry_run, yes, as_json), lambda each: ledger.retry(each, mail_id))

    @group.command()
    def resend(mail_id: MailId, dry_run: DryRun = False, yes: Yes = False, as_json: Json = False) -> None:
        """Send a mail again that may have gone out: its reader may get it twice."""
        _decide(_Asked("resend", mail_id, dry_run, yes, as_json), lambda each: ledger.resend(each, mail_id))

    @group.command()
    def drop(
        mail_id: MailId,
        reason: Annotated[str, typer.Option(help="Why; the ticket's history shows it.")] = "by an operator",
        dry_run: DryRun = False,
        yes: Yes = False,
        as_json: Json = False,
    ) -> None:
        """Never send a mail."""
        _decide(
            _Asked("drop", mail_id, dry_run, yes, as_json),
            lambda each: ledger.drop(each, mail_id, reason),
        )


def _decide(asked: _Asked, decision: Decision) -> None:
    """Look at the mail, ask, do it, and say how the mail stands then."""
    with refusing():
        mail = asyncio.run(_decided(decision, asked.mail_id, keep=False))
        if not asked.dry_run:
            confirm(
                f"{asked.action} the mail to {mail['recipient']}, ticket {mail['ticket_id']}?", yes=asked.yes
            )
            mail = asyncio.run(_decided(decision, asked.mail_id, keep=True))
    if asked.as_json:
        print(json.dumps({**mail, "dry_run": asked.dry_run}, ensure_ascii=False))
    else:
        words = "would be" if asked.dry_run else "is"
        print(f"The mail to {mail['recipient']} {words} {mail['state']} now.", file=sys.stderr)


async def _decided(decision: Decision, mail_id: UUID, *, keep: bool) -> MailDetail:
    """The mail after a decision that the ledger allows, kept or only tried."""
    after: list[MailDetail] = []

    async def decide(connection: Connection) -> None:
        async with connection.transaction():
            await decision(connection)
            after.append(await ledger.one(connection, mail_id))
            if not keep:
                raise _NothingKept

    with suppress(_NothingKept):
        await _asked(decide)
    return after[0]


async def _asked(question: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    try:
        async with connected(reach(), "notifier") as connection:
            return await question(connection)
    except LedgerError as error:
        raise StackError(str(error)) from error


def _show_all(mails: list[MailSummary]) -> None:
    tables.show(
        ("mail", "ticket", "recipient", "template", "state", "attempts", "reason"),
        (
            (
                *(mail["mail_id"], mail["ticket_id"], mail["recipient"], mail["template_id"], mail["state"]),
                *(str(mail["attempts"]), mail["reason"] or ""),
            )
            for mail in mails
        ),
    )


def _show_one(mail: MailDetail) -> None:
    answer = mail["last_answer"]
    for name, value in mail.items():
        if name not in {"source", "last_answer"} and value is not None:
            print(f"{name:<12} {value}")
    if answer is not None:
        print(f"{'answer':<12} {answer['code'] or ''} {answer['answer']}".rstrip())
    if mail["source"] is not None:
        print(f"\n{_readable(mail['source'])}")


def _readable(source: str) -> str:
    """A mail as its reader sees it: the headers that tell, and the text."""
    mail = message_from_string(source, policy=policy.default)
    told = ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "List-Id")
    headers = "\n".join(f"{name}: {mail[name]}" for name in told if mail[name] is not None)
    text = mail.get_body(("plain", "html"))
    return f"{headers}\n\n{text.get_content() if text is not None else ''}"

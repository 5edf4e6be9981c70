"""`relato emails`: what became of each mail, decisions about those that need one, and whether any go out."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import typer
from notifier.ledger import MailSummary, State

from relato.commands import mails, telling
from relato.commands.batches import Ask, BrokeOff, done_with_all
from relato.commands.confirm import confirm
from relato.commands.outcome import refuse, refusing
from relato.operate import Operator, operating
from relato.reach import reach

MailId = Annotated[UUID, typer.Argument(metavar="MAIL_ID", help="As the list gives it.")]
MailIds = Annotated[list[UUID] | None, typer.Argument(metavar="[MAIL_ID]...", help="As the list gives them.")]
Ticket = Annotated[str | None, typer.Option(help="Those of this ticket alone.")]
InState = Annotated[State | None, typer.Option("--state", help="Those in this state alone.")]
Because = Annotated[str | None, typer.Option(help="Those alone whose reason begins so.")]
All = Annotated[bool, typer.Option("--all", help="All with which it can be done.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say whether it can be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be done to which mails, and how."""

    action: str
    mail_ids: list[UUID]
    ticket: str | None
    because: str | None
    everything: bool
    reason: str
    state: State | None = None

    async def done(self, operator: Operator, *, dry_run: bool) -> list[dict[str, Any]]:
        """Ask until none is left, each time behind the last one: what became of each."""
        given: dict[str, object] = {"reason": self.reason, "all": self.everything}
        given |= {"ticket_id": self.ticket, "state": self.state, "because": self.because}
        if self.mail_ids:
            given["mail_ids"] = [str(each) for each in self.mail_ids]
        ask = Ask(f"/mails/{self.action}", given, "mails")
        return await done_with_all(operator, ask, dry_run=dry_run)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="emails")

    @group.callback()
    def _group() -> None:
        """Mails: what became of each, and what to do about it."""

    telling.register(group)

    @group.command("list")
    def list_(
        ticket: Annotated[str | None, typer.Option(help="Of this ticket alone.")] = None,
        state: Annotated[State | None, typer.Option(help="In this state alone.")] = None,
        because: Because = None,
        as_json: Json = False,
    ) -> None:
        """List mails, oldest first."""
        query = {"ticket_id": ticket, "state": state, "because": because}
        with refusing():
            found = asyncio.run(_listed({name: each for name, each in query.items() if each is not None}))
        if as_json:
            print(json.dumps(found, ensure_ascii=False))
        else:
            mails.show_all(found)

    @group.command()
    def show(mail_id: MailId, as_json: Json = False) -> None:
        """Show a mail as its reader sees it, and every attempt; with --json its source as it was sent."""
        with refusing():
            mail = asyncio.run(_asked("GET", f"/mails/{mail_id}"))
        if as_json:
            print(json.dumps(mail, ensure_ascii=False))
        else:
            mails.show_one(mail)

    @group.command()
    def retry(
        mail_ids: MailIds = None, *, ticket: Ticket = None, state: InState = None, because: Because = None,
        everything: All = False,
        reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Try mails again now that were refused, given up, or wait for their next attempt."""
        wish = _Wish("retry", mail_ids or [], ticket, because, everything, reason, state)
        _decide(wish, dry_run, yes, as_json)

    @group.command()
    def resend(
        mail_ids: Annotated[list[UUID], typer.Argument(metavar="MAIL_ID...", help="As the list gives them.")],
        *, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Send mails again that may have gone out: their readers may get them twice."""
        _decide(_Wish("resend", mail_ids, None, None, False, reason), dry_run, yes, as_json)

    @group.command()
    def drop(
        mail_ids: MailIds = None, *, ticket: Ticket = None, state: InState = None, because: Because = None,
        everything: All = False,
        reason: Annotated[str, typer.Option(help="Why; the ticket's history shows it.")] = "by an operator",
        dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Never send mails; those that were suppressed already where --state or --because means them."""
        wish = _Wish("drop", mail_ids or [], ticket, because, everything, reason, state)
        _decide(wish, dry_run, yes, as_json)

    @group.command()
    def release(
        mail_ids: MailIds = None, *, ticket: Ticket = None, state: InState = None, because: Because = None,
        everything: All = False,
        reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Send suppressed mails after all, once what stood against them is gone."""
        wish = _Wish("release", mail_ids or [], ticket, because, everything, reason, state)
        _decide(wish, dry_run, yes, as_json)

    @group.command()
    def stop(reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False) -> None:
        """Let no mail go out until further notice; all that is planned meanwhile waits."""
        _switch("stop", "Stop all sending?", reason, dry_run=dry_run, yes=yes, as_json=as_json)

    @group.command()
    def start(reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False) -> None:
        """Let mails go out again, what has waited first."""
        _switch("start", "Let {} mails go out?", reason, dry_run=dry_run, yes=yes, as_json=as_json)


def _decide(wish: _Wish, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Try it, ask, do it, and say how the mails stand then; exit code 1 where one was refused."""
    broke_off: str | None = None
    with refusing():
        try:
            done = _decided(wish, dry_run=dry_run, yes=yes)
        except BrokeOff as error:
            done, broke_off = error.done, str(error)
    single = len(wish.mail_ids) == 1
    refused = [each for each in done if each["outcome"] == "refused"]
    if single and refused:
        refuse(refused[0]["detail"])
    if as_json:
        several = {"items": done, "dry_run": dry_run, "broke_off": broke_off}
        document = {**done[0]["mail"], "dry_run": dry_run} if single else several
        print(json.dumps(document, ensure_ascii=False))
    else:
        words = "would be" if dry_run else "is"
        for each in done:
            if each["mail"] is not None:
                mail = each["mail"]
                print(f"The mail to {mail['recipient']} {words} {mail['state']} now.", file=sys.stderr)
    for each in refused:
        print(f"{each['mail_id']}: {each['detail']}", file=sys.stderr)
    if broke_off is not None:
        refuse(broke_off)
    if refused:
        refuse(f"{len(refused)} of {len(done)} mails were refused.")
    if not single:
        print(f"{wish.action}: {len(done)} mails.", file=sys.stderr)


def _decided(wish: _Wish, *, dry_run: bool, yes: bool) -> list[dict[str, Any]]:
    if dry_run or not yes:
        would = asyncio.run(_done(wish, dry_run=True))
        if dry_run or not would:
            return would
        confirm(f"{wish.action} {_named(would)}?", yes=False)
    return asyncio.run(_done(wish, dry_run=False))


def _named(done: list[dict[str, Any]]) -> str:
    possible = [each["mail"] for each in done if each["mail"] is not None]
    if len(possible) == 1:
        return f"the mail to {possible[0]['recipient']}, ticket {possible[0]['ticket_id']}"
    return f"{len(possible)} mails"


def _switch(verb: str, question: str, reason: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    wish = {"reason": reason, "dry_run": True}
    with refusing():
        if dry_run or not yes:
            said = asyncio.run(_asked("POST", f"/sending/{verb}", wish))
        if not dry_run:
            if not yes:
                confirm(question.format(said["waiting"]), yes=False)
            said = asyncio.run(_asked("POST", f"/sending/{verb}", wish | {"dry_run": False}))
    if as_json:
        print(json.dumps({**said, "dry_run": dry_run}, ensure_ascii=False))
    else:
        words = "stopped" if said["stopped"] else "not stopped"
        print(f"Sending is {words}; {said['waiting']} mails are to go out.", file=sys.stderr)


async def _done(wish: _Wish, *, dry_run: bool) -> list[dict[str, Any]]:
    async with operating(reach()) as operator:
        return await wish.done(operator, dry_run=dry_run)


async def _asked(method: str, path: str, wish: dict[str, object] | None = None) -> Any:
    async with operating(reach()) as operator:
        return await (operator.get(path) if method == "GET" else operator.post(path, wish or {}))


async def _listed(query: dict[str, str]) -> list[MailSummary]:
    found: list[MailSummary] = []
    async with operating(reach()) as operator:
        while True:
            page = await operator.get(f"/mails?{urlencode(query)}")
            found += page["items"]
            if page["next_after"] is None:
                return found
            query = {**query, "after": page["next_after"]}

"""Mails as people read them on a terminal."""

from collections.abc import Sequence
from email import message_from_string, policy
from typing import Any

from notifier.ledger import MailSummary

from relato.commands import tables


def show_all(mails: Sequence[MailSummary]) -> None:
    """What became of each."""
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


def show_one(mail: dict[str, Any]) -> None:
    """One with every attempt, and what its reader sees."""
    for name, value in mail.items():
        if name not in {"source", "last_answer", "answers"} and value is not None:
            print(f"{name:<12} {value}")
    for each in mail["answers"]:
        code = "" if each["code"] is None else f" {each['code']}"
        print(f"attempt {each['attempt']:<4} {each['at']} {each['outcome']}{code} {each['answer']}".rstrip())
    if mail["source"] is not None:
        print(f"\n{_readable(mail['source'])}")


def _readable(source: str) -> str:
    """A mail as its reader sees it: the headers that tell, and the text."""
    mail = message_from_string(source, policy=policy.default)
    told = ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "List-Id")
    headers = "\n".join(f"{name}: {mail[name]}" for name in told if mail[name] is not None)
    text = mail.get_body(("plain", "html"))
    return f"{headers}\n\n{text.get_content() if text is not None else ''}"

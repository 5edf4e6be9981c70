"""Pure: a rendered mail as it goes over the wire (RFC 5322), with the headers of automatic mail."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID, uuid5

from notifier.render import Rendered
from notifier.settings import Sender

_NAMESPACE = UUID("5f1f6f0e-7a0b-5c55-9c0e-3d7b0c6b2a51")
_SUBJECT_CHARACTERS = 250


class _Headers(HeaderRegistry):
    """Kinds of headers, made once: the package makes a class for each header of each mail."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        if name not in self._kinds:
            self._kinds[name] = super().__getitem__(name)
        return self._kinds[name]


_POLICY = SMTP.clone(cte_type="7bit", header_factory=_Headers())


@dataclass(frozen=True, slots=True)
class Headed:
    """What a mail's headers say beyond its subject; ``thread`` holds earlier Message-IDs, oldest first."""

    mail_id: UUID
    sender: Sender
    recipient: str
    recipient_name: str
    ticket_id: str
    date: datetime
    thread: Sequence[str]


def mail_id(event_id: UUID, recipient: str, template_id: str) -> UUID:
    """The id of a mail: a hash of its key in the ledger, so that it is the same whenever it is planned."""
    return uuid5(_NAMESPACE, f"{event_id} {recipient} {template_id}")


def mail_id_of_test(person_id: str, key: str) -> UUID:
    """The id of a test mail: a hash of its key, likewise."""
    return uuid5(_NAMESPACE, f"test {person_id} {key}")


def message_id(mail: UUID, sender: Sender) -> str:
    """The Message-ID of a mail, at its sender's domain (RFC 5322 §3.6.4)."""
    return f"<{mail.hex}@{_domain(sender.address)}>"


def build(headed: Headed, rendered: Rendered) -> bytes:
    """A mail of two parts; ``ValueError`` for addresses that no header can hold."""
    recipient = deliverable(headed.recipient)
    message = EmailMessage(policy=_POLICY.clone(utf8=not recipient.isascii()))
    message["From"] = Address(_line(headed.sender.name), addr_spec=deliverable(headed.sender.address))
    message["To"] = Address(_line(headed.recipient_name), addr_spec=recipient)
    message["Subject"] = subject_line(rendered.subject)
    message["Date"] = format_datetime(headed.date)
    message["Message-ID"] = message_id(headed.mail_id, headed.sender)
    if headed.thread:
        message["In-Reply-To"] = headed.thread[-1]
        message["References"] = " ".join(dict.fromkeys(headed.thread))
    # RFC 3834 §5, and what Exchange reads instead: nothing is to answer this by itself.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Id"] = _list_id(headed.ticket_id, headed.sender)
    message.set_content(_lines(rendered.text), charset="utf-8")
    message.add_alternative(_lines(rendered.html), subtype="html", charset="utf-8")
    message.set_boundary(f"=_{headed.mail_id.hex}")
    return message.as_bytes()


def subject_line(text: str) -> str:
    """A subject as it stands in its header, whatever a template made of it."""
    return _line(text)[:_SUBJECT_CHARACTERS]


def deliverable(address: str) -> str:
    """An address with its domain in ASCII (RFC 5891); ``ValueError`` when no header can hold it."""
    if "=?" in address:
        raise ValueError("an address that looks like an encoded word")  # as with _line
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def _domain(address: str) -> str:
    return deliverable(address).rpartition("@")[2]


def _list_id(ticket_id: str, sender: Sender) -> str:
    """RFC 2919 §3: labels of letters, digits and hyphens."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", ticket_id).strip("-") or "x"
    return f"<ticket-{label}.relato.{_domain(sender.address)}>"


def _line(text: str) -> str:
    """One line without control characters: nothing in it can begin another header.

    The email package decodes what looks like an encoded word (RFC 2047 §2) in a header that it is
    given, line ends and all, so nothing may look like one.
    """
    visible = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in text)
    return " ".join(visible.split()).replace("=?", "= ?")


def _lines(text: str) -> str:
    """Text without the control characters that mail and PostgreSQL cannot hold."""
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc")

"""Pure: a rendered mail as it goes over the wire (RFC 5322), with the headers of automatic mail."""

import base64
import re
from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
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
_POLICY_UTF8 = _POLICY.clone(utf8=True)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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
    """A mail of two parts; ``ValueError`` for addresses that no header can hold.

    The email package folds and encodes the headers; put together by it as well, a mail would take ten
    times as long. No line of an encoded part can be the boundary, which has what they have to encode.
    """
    recipient = deliverable(headed.recipient)
    utf8 = not recipient.isascii()
    boundary = f"=_{headed.mail_id.hex}"
    headers = (
        _address("From", _line(headed.sender.name), deliverable(headed.sender.address), utf8=utf8),
        _address("To", _line(headed.recipient_name), recipient, utf8=utf8),
        _header("Subject", subject_line(rendered.subject), utf8=utf8),
        f"Date: {format_datetime(headed.date)}\r\n".encode(),
        f"Message-ID: {message_id(headed.mail_id, headed.sender)}\r\n".encode(),
        *_thread(headed.thread),
        # RFC 3834 §5, and what Exchange reads instead: nothing is to answer this by itself.
        b"Auto-Submitted: auto-generated\r\n",
        b"X-Auto-Response-Suppress: All\r\n",
        _header("List-Id", _list_id(headed.ticket_id, headed.sender), utf8=utf8),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode(),
    )
    between = f"\r\n--{boundary}".encode()
    parts = (_part("plain", rendered.text), _part("html", rendered.html))
    return b"".join((*headers, *(between + b"\r\n" + part for part in parts), between, b"--\r\n"))


@lru_cache(maxsize=4_096)
def _address(name: str, display_name: str, address: str, *, utf8: bool) -> bytes:
    return _folded(name, Address(display_name, addr_spec=address), utf8=utf8)


@lru_cache(maxsize=4_096)
def _header(name: str, value: str, *, utf8: bool) -> bytes:
    return _folded(name, value, utf8=utf8)


def _folded(name: str, value: str | Address, *, utf8: bool) -> bytes:
    policy = _POLICY_UTF8 if utf8 else _POLICY
    return policy.fold_binary(*policy.header_store_parse(name, value))


def _thread(thread: Sequence[str]) -> Sequence[bytes]:
    """What ties a mail to earlier ones (RFC 5322 §3.6.4), each Message-ID on a line of its own."""
    if not thread:
        return ()
    references = "\r\n ".join(dict.fromkeys(thread))
    return f"In-Reply-To: {thread[-1]}\r\n".encode(), f"References: {references}\r\n".encode()


def _part(subtype: str, text: str) -> bytes:
    """A part in UTF-8, encoded (RFC 2045 §6) by what makes it shorter."""
    lines = _CONTROLS.sub("", text).removesuffix("\n").replace("\n", "\r\n") + "\r\n"
    content = lines.encode()
    kind, encoded = "quoted-printable", b2a_qp(content)
    if len(encoded) > len(content) * 4 / 3:
        kind, encoded = "base64", base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {kind}\r\n\r\n'.encode()
        + encoded
    )


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
    return " ".join(_BREAKS.sub(" ", text).split()).replace("=?", "= ?")

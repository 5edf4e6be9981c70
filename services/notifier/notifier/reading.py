"""Pure: a mail's source (RFC 5322) as somebody reads it."""

from email import message_from_bytes
from email.policy import default
from typing import NamedTuple


class Readable(NamedTuple):
    """Its subject and its plain text."""

    subject: str
    text: str


def readable(source: bytes) -> Readable:
    """The subject and the plain text of a mail."""
    mail = message_from_bytes(source, policy=default)
    body = mail.get_body(("plain", "html"))
    return Readable(str(mail["Subject"] or ""), "" if body is None else str(body.get_content()))

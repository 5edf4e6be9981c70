"""Pure: letters to try templates with, made as mails make theirs: of an occurrence, or of a plausible one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from relato_contracts.itsm import Language

from notifier.compose import Reader, Written, letter_of, told_of
from notifier.known import House, Known, Ticket
from notifier.letter import Letter, marked_up
from notifier.occurrence import Occurrence

Kind = Literal["occurrence", "message", "chat"]

TEST_MARKS: Mapping[Language, str] = {"pt-BR": "[Teste]", "en": "[Test]", "es": "[Prueba]"}
"""Before the subject of a test mail."""


@dataclass(frozen=True, slots=True)
class _Sample:
    title: str
    text: str
    solution: str


_AUTHOR = "Carlos Eduardo Nunes"
_TICKET = "1001"
_SAMPLES: Mapping[Language, _Sample] = {
    "pt-BR": _Sample(
        "VPN não conecta",
        "Troquei o certificado da VPN e reiniciei o serviço.\nA conexão voltou às 10h.",
        "Certificado renovado por um ano.",
    ),
    "en": _Sample(
        "The VPN does not connect",
        "I replaced the certificate of the VPN and restarted the service.\nIt connects again since 10 am.",
        "The certificate was renewed for a year.",
    ),
    "es": _Sample(
        "La VPN no se conecta",
        "Cambié el certificado de la VPN y reinicié el servicio.\nLa conexión volvió a las 10.",
        "Se renovó el certificado por un año.",
    ),
}


def sample(kind: Kind, language: Language, reader: Reader, house: House, now: datetime) -> Letter:
    """A letter about nothing real, in a language."""
    given = _SAMPLES[language]
    solution = f"<p>{given.solution}</p>" if kind == "occurrence" else ""
    html = marked_up(given.text) if kind == "chat" else f"<p>{marked_up(given.text)}</p>"
    written = Written(kind, _AUTHOR, now, given.text, html, solution)
    return letter_of(_TICKET, written, Ticket(given.title, "", None), reader, house)


def of(occurrence: Occurrence, ticket_id: str, known: Known, reader: Reader, house: House) -> Letter:
    """The letter that a requester with the reader's name would get about an occurrence."""
    return letter_of(ticket_id, told_of(occurrence, known), known.tickets[ticket_id], reader, house)

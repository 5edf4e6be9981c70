"""What is known of the ITSM's parameters: their meaning in words, and what kind of value each takes.

The words are the source of translations: catalogues take them from this table, and pages translate
them as they show them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Control = Literal["switch", "template", "address", "category", "origin", "other"]
"""``S`` or ``N``; the id of a template, category or origin; the address of a sender; anything."""


@dataclass(frozen=True, slots=True)
class TurnsOff:
    """The value that takes something away from people, and what it takes."""

    at: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a parameter is called and means, and what can be its value."""

    name: str
    meaning: str
    control: Control
    off: TurnsOff | None = None


PARAMETERS: Mapping[int, Parameter] = {
    10: Parameter(
        "Remetente das notificações",
        "Endereço de e-mail do qual partem as notificações.",
        "address",
    ),
    251: Parameter(
        "Modelo de e-mail ao solicitante",
        "Modelo do e-mail que avisa o solicitante de uma ocorrência ou mensagem. Sem ele, nada é enviado.",
        "template",
        TurnsOff("", "Os solicitantes deixam de ser avisados por e-mail de ocorrências e mensagens."),
    ),
    252: Parameter(
        "Ocorrências do solicitante",
        "Solicitantes podem registrar ocorrências no portal, em chamados em andamento.",
        "switch",
        TurnsOff("N", "Os solicitantes deixam de poder registrar ocorrências no portal."),
    ),
    253: Parameter(
        "Modelo de e-mail ao responsável",
        (
            "Modelo do e-mail que avisa o responsável, ou o grupo, do que o solicitante escreveu no portal."
            " Sem ele, nada é enviado."
        ),
        "template",
        TurnsOff("", "Os responsáveis deixam de ser avisados por e-mail do que os solicitantes escrevem."),
    ),
    262: Parameter(
        "Categoria das ocorrências do portal",
        "Categoria das ocorrências registradas no portal. Se for válida, o solicitante não a escolhe.",
        "category",
    ),
    263: Parameter(
        "Origem das ocorrências do portal",
        "Origem das ocorrências registradas no portal. Se for válida, o solicitante não a escolhe.",
        "origin",
    ),
    297: Parameter(
        "E-mails desligados",
        "Ligado, desliga o envio de todos os e-mails.",
        "switch",
        TurnsOff("S", "Nenhum e-mail sai mais, nem aos solicitantes nem aos responsáveis."),
    ),
    298: Parameter(
        "Ocorrências",
        "Ocorrências podem ser registradas e são exibidas.",
        "switch",
        TurnsOff("N", "Ninguém registra mais ocorrências, e os solicitantes deixam de vê-las."),
    ),
    299: Parameter(
        "Mensagens",
        "Solicitante e responsável podem trocar mensagens.",
        "switch",
        TurnsOff("N", "Solicitantes e responsáveis deixam de poder trocar mensagens."),
    ),
    316: Parameter(
        "Chat",
        "Solicitante e executores podem conversar por chat.",
        "switch",
        TurnsOff("N", "Solicitantes e executores deixam de poder conversar por chat."),
    ),
    371: Parameter(
        "Solução no portal",
        "A solução de uma ocorrência é mostrada ao solicitante.",
        "switch",
        TurnsOff("N", "Os solicitantes deixam de ver as soluções."),
    ),
    447: Parameter(
        "Modelo de e-mail do chat",
        "Modelo do e-mail que avisa de mensagens do chat recebidas na ausência. Sem ele, nada é enviado.",
        "template",
        TurnsOff("", "Ninguém é mais avisado por e-mail de mensagens do chat recebidas na ausência."),
    ),
}

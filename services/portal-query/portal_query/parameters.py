"""What is known of the ITSM's parameters: their meaning in words, and what kind of value each takes.

The words are the source of translations: ``N_`` marks them for the extraction of catalogues, and
pages translate them as they show them.
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


def N_(text: str) -> str:
    """The text itself, which catalogues are to have."""
    return text


PARAMETERS: Mapping[int, Parameter] = {
    10: Parameter(
        N_("Remetente das notificações"),
        N_("Endereço de e-mail do qual partem as notificações."),
        "address",
    ),
    251: Parameter(
        N_("Modelo de e-mail ao solicitante"),
        N_(
            "Modelo do e-mail que avisa o solicitante de uma ocorrência ou mensagem. Sem ele, nada é enviado."
        ),
        "template",
        TurnsOff("", N_("Os solicitantes deixam de ser avisados por e-mail de ocorrências e mensagens.")),
    ),
    252: Parameter(
        N_("Ocorrências do solicitante"),
        N_("Solicitantes podem registrar ocorrências no portal, em chamados em andamento."),
        "switch",
        TurnsOff("N", N_("Os solicitantes deixam de poder registrar ocorrências no portal.")),
    ),
    253: Parameter(
        N_("Modelo de e-mail ao responsável"),
        N_(
            "Modelo do e-mail que avisa o responsável, ou o grupo, do que o solicitante escreveu no portal."
            " Sem ele, nada é enviado."
        ),
        "template",
        TurnsOff(
            "", N_("Os responsáveis deixam de ser avisados por e-mail do que os solicitantes escrevem.")
        ),
    ),
    262: Parameter(
        N_("Categoria das ocorrências do portal"),
        N_("Categoria das ocorrências registradas no portal. Se for válida, o solicitante não a escolhe."),
        "category",
    ),
    263: Parameter(
        N_("Origem das ocorrências do portal"),
        N_("Origem das ocorrências registradas no portal. Se for válida, o solicitante não a escolhe."),
        "origin",
    ),
    297: Parameter(
        N_("E-mails desligados"),
        N_("Ligado, desliga o envio de todos os e-mails."),
        "switch",
        TurnsOff("S", N_("Nenhum e-mail sai mais, nem aos solicitantes nem aos responsáveis.")),
    ),
    298: Parameter(
        N_("Ocorrências"),
        N_("Ocorrências podem ser registradas e são exibidas."),
        "switch",
        TurnsOff("N", N_("Ninguém registra mais ocorrências, e os solicitantes deixam de vê-las.")),
    ),
    299: Parameter(
        N_("Mensagens"),
        N_("Solicitante e responsável podem trocar mensagens."),
        "switch",
        TurnsOff("N", N_("Solicitantes e responsáveis deixam de poder trocar mensagens.")),
    ),
    316: Parameter(
        N_("Chat"),
        N_("Solicitante e executores podem conversar por chat."),
        "switch",
        TurnsOff("N", N_("Solicitantes e executores deixam de poder conversar por chat.")),
    ),
    371: Parameter(
        N_("Solução no portal"),
        N_("A solução de uma ocorrência é mostrada ao solicitante."),
        "switch",
        TurnsOff("N", N_("Os solicitantes deixam de ver as soluções.")),
    ),
    447: Parameter(
        N_("Modelo de e-mail do chat"),
        N_("Modelo do e-mail que avisa de mensagens do chat recebidas na ausência. Sem ele, nada é enviado."),
        "template",
        TurnsOff("", N_("Ninguém é mais avisado por e-mail de mensagens do chat recebidas na ausência.")),
    ),
}

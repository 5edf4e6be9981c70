"""What the demonstration data is made of: the texts and names beside this file, read and checked."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from relato_contracts.itsm import EmailVariant, Language

_LANGUAGES: tuple[Language, ...] = ("pt-BR", "en", "es")
_TEMPLATES = {
    "nota-ao-solicitante": "Nota ao solicitante",
    "nota-ao-responsavel": "Nota ao responsável",
    "chat-na-ausencia": "Mensagens de chat recebidas na ausência",
}


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PersonContent(_Content):
    """Somebody of the company; what most have in common is the default."""

    name: str
    email: bool = True
    language: Language = "pt-BR"
    zone: str = "America/Sao_Paulo"
    active: bool = True


class GroupContent(_Content):
    """A group, and on which other groups' tickets it may do what."""

    id: str
    name: str
    members: tuple[str, ...]
    emails: tuple[str, ...]
    comment: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()


class Organisation(_Content):
    """The company."""

    parameters: Mapping[int, str]
    categories: Mapping[str, str]
    origins: Mapping[str, str]
    retired: Mapping[str, str]
    """Categories and origins that are not in use any more."""
    group: tuple[GroupContent, ...]
    people: Mapping[str, PersonContent]


class NoteContent(_Content):
    """An occurrence that an executor records."""

    text: str
    minutes: int
    category: str
    origin: str | None = None
    solution: str | None = None
    visible: bool = False
    mail: bool = False


class Scenario(_Content):
    """Something that goes wrong in any company, and what people do and write about it."""

    group: str
    titles: Annotated[tuple[str, ...], Field(min_length=1)]
    notes: Annotated[tuple[NoteContent, ...], Field(min_length=1)]
    """In their order; the last has the solution."""
    asks: Annotated[tuple[str, ...], Field(min_length=1)]
    answers: Annotated[tuple[str, ...], Field(min_length=1)]
    portal: Annotated[tuple[str, ...], Field(min_length=1)]
    chat: Annotated[tuple[tuple[Literal["s", "e"], str], ...], Field(min_length=1)]


class Scenarios(_Content):
    """All that happens in the company, and a few phrases for what happens to any ticket."""

    described: Annotated[tuple[str, ...], Field(min_length=1)]
    cancelled: tuple[str, ...]
    corrected: str
    shown: str
    misplaced: str
    retracted: str
    scenario: tuple[Scenario, ...]


Model = TypeVar("Model", bound=BaseModel)


@cache
def organisation() -> Organisation:
    """The company, its people, groups, catalogue and parameters."""
    return _read("organisation.toml", Organisation)


@cache
def scenarios() -> Scenarios:
    """All that happens there."""
    return _read("scenarios.toml", Scenarios)


@cache
def templates() -> Mapping[str, tuple[str, tuple[EmailVariant, ...]]]:
    """Mail templates by id: the name, and a variant for each language."""
    return {
        template_id: (name, tuple(_variant(template_id, language) for language in _LANGUAGES))
        for template_id, name in _TEMPLATES.items()
    }


def _variant(template_id: str, language: Language) -> EmailVariant:
    directory = files(__package__) / "templates" / template_id / language
    return EmailVariant(
        language=language,
        subject=(directory / "subject.txt.j2").read_text(encoding="utf-8").strip(),
        text=(directory / "body.txt.j2").read_text(encoding="utf-8"),
        html=(directory / "body.html.j2").read_text(encoding="utf-8"),
    )


def _read(name: str, model: type[Model]) -> Model:
    return model.model_validate(tomllib.loads((files(__package__) / name).read_text(encoding="utf-8")))

"""What a page shows where somebody's words or name were: that they were removed, in the reader's language."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from relato_contracts.erasure import ERASED

from portal_query.read import Row

_NAMES = frozenset({"name", "author_name", "person_name", "recipient"})
_PERSON = "Pessoa removida"
_TEXT = "Texto removido"
WORDS = (_PERSON, _TEXT)


def readable(context: Any, gettext: Callable[[str], str], field: str = "") -> Any:
    """The same, with words in the place of what stands for what was erased; ``field`` is where it stands."""
    match context:
        case str():
            return gettext(_PERSON if field in _NAMES else _TEXT) if context == ERASED else context
        case dict():
            return {name: readable(value, gettext, str(name)) for name, value in context.items()}
        case list():
            return [readable(each, gettext, field) for each in context]
        case Row():
            return readable(dict(context), gettext)
        case _ if is_dataclass(context) and not isinstance(context, type):
            said = {each.name: getattr(context, each.name) for each in fields(context) if each.init}
            return replace(context, **readable(said, gettext))
        case _:
            return context

"""Names of events' types as people give them."""

import typer
from relato_contracts.envelope import FACTS
from relato_contracts.topics import NOTES

_NAMES = {name for name in FACTS if name.startswith("relato.") and FACTS[name] in NOTES.facts}


def meant(wanted: str) -> set[str]:
    """The types that a name means, with or without owner and version; wrong usage when there is none."""
    found = {name for name in _NAMES if wanted in {name, name.rpartition(".")[0], name.split(".")[1]}}
    if not found:
        known = ", ".join(sorted(name.split(".")[1] for name in _NAMES))
        raise typer.BadParameter(f"{wanted!r} is none of {known}.", param_hint="--type")
    return found


def one(wanted: str) -> str:
    """The newest of them."""
    return max(meant(wanted))

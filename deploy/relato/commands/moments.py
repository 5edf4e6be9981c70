"""Moments as people type them."""

from datetime import datetime, tzinfo

import typer


def read(option: str, text: str, otherwise: tzinfo | None = None) -> str:
    """A time in RFC 3339, in the zone ``otherwise`` if it has no offset; a usage error for other texts."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is not None and moment.tzinfo is None and otherwise is not None:
        moment = moment.replace(tzinfo=otherwise)
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(
            f"{text!r} is no time with offset, such as 2026-11-24T12:00Z.", param_hint=option
        )
    return moment.isoformat()

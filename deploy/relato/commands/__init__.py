"""Subcommands of `relato`: each module has `register(app)`, and the name of its command stands below."""

from importlib import import_module

import typer

NAMES = (
    *("up", "down", "status", "token", "itsm", "demo", "events", "history", "emails", "projections"),
    *("dead-letters", "people", "retention", "audit"),
)


def build(wanted: str = "") -> typer.Typer:
    """The command that is wanted, or the whole of `relato` where that is none of its names.

    To load everything takes longer than most commands do.
    """
    app = typer.Typer(
        name="relato",
        help="Runs and operates Relato.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_relato)
    for name in (wanted,) if wanted in NAMES else NAMES:
        import_module(f"relato.commands.{name.replace('-', '_')}").register(app)
    return app


def _relato() -> None:
    """One command alone would be taken for the whole program if this were not there."""

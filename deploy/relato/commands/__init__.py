"""Subcommands of `relato`: each module has `register(app)`, and its name stands below."""

import typer

from relato.commands import (
    audit,
    dead_letters,
    demo,
    down,
    emails,
    events,
    history,
    itsm,
    people,
    projections,
    retention,
    status,
    token,
    up,
)


def build() -> typer.Typer:
    """The whole command."""
    app = typer.Typer(
        name="relato",
        help="Runs and operates Relato.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for group in (
        *(up, down, status, token, itsm, demo),
        *(events, history, emails, projections, dead_letters, people, retention, audit),
    ):
        group.register(app)
    return app

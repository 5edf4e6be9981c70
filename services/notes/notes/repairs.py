"""Pure: which command repairs what a verification of the log and its topic has found."""

from shlex import quote

from relato_runtime.jobs import Finding

HARMLESS = frozenset({"duplicate"})
"""Kafka has everything at least once; what came twice is dropped by its version."""


def repair(found: Finding) -> str | None:
    """The command; None for what is harmless."""
    # Whoever may publish chooses what stands on the topic, and an operator pastes this into a shell.
    ticket = f"--ticket {quote(found.ticket_id or '')}"
    match found.kind:
        case "missing":
            return f"relato events republish {ticket}"
        case "different" | "disorder" | "scattered":
            # Kafka forgets nothing: consumers that have to have it right read another topic.
            return f"relato events republish {ticket} --to TOPIC"
        case "unexpected":
            where = f"topic = '{found.topic}' AND partition = {found.partition}"
            before = f"witness = NULL, next_offset = least(next_offset, {found.offset})"
            return f"{_sql(f'UPDATE published SET {before} WHERE {where}')} (then restart notes)"  # noqa: S608  # shown
        case "hole":
            return "pg_restore (README.md, Backups)"
        case "stream":
            ticket_id = f"ticket_id = '{found.ticket_id}'"
            return _sql(f"UPDATE streams SET version = {found.version} WHERE {ticket_id}")  # noqa: S608  # shown
        case "orphan":
            return _sql(f"DELETE FROM outbox WHERE seq = {found.detail['seq']}")  # noqa: S608  # shown
        case "not-imported":
            return f"relato events export {ticket}"
        case "late":
            return "relato status"
        case "foreign":
            return "relato dead-letters list"
        case _:
            return None


def _sql(statement: str) -> str:
    """To be looked at and run by hand, since it decides what counts."""
    return f'psql "$RELATO_NOTES_DATABASE_URL" -c "{statement}"'

"""Pure: which command repairs what a verification of the log and its topic has found."""

from relato_runtime.jobs import Finding

HARMLESS = frozenset({"duplicate"})
"""Kafka has everything at least once; what came twice is dropped by its version."""


def repair(found: Finding) -> str | None:
    """The command; None for what is harmless."""
    ticket = f"--ticket {found.ticket_id}"
    match found.kind:
        case "missing":
            return f"relato events republish {ticket}"
        case "different" | "disorder" | "scattered":
            # Kafka forgets nothing: consumers that have to have it right read another topic.
            return f"relato events republish {ticket} --to TOPIC"
        case "unexpected":
            where = f"topic = '{found.topic}' AND partition = {found.partition}"
            before = f"witness = NULL, next_offset = least(next_offset, {found.offset})"
            return f"{_sql(f'UPDATE published SET {before} WHERE {where}')} (then restart notes)"  # noqa: S608
        case "hole":
            return "pg_restore (README.md, Backups)"
        case "stream":
            ticket_id = f"ticket_id = '{found.ticket_id}'"
            return _sql(f"UPDATE streams SET version = {found.version} WHERE {ticket_id}")  # noqa: S608
        case "orphan":
            return _sql(f"DELETE FROM outbox WHERE seq = {found.detail['seq']}")  # noqa: S608
        case "not-imported":
            return f"relato events export --ticket {found.ticket_id}"
        case "late":
            return "relato status"
        case "foreign":
            return "relato dead-letters list"
        case _:
            return None


def _sql(statement: str) -> str:
    """To be looked at and run by hand, since it decides what counts."""
    return f'psql "$RELATO_NOTES_DATABASE_URL" -c "{statement}"'

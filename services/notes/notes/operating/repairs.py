"""Pure: which command repairs what a verification of the log and its topic has found."""

# ruff: noqa: S608  # printed for operators, who look at it and run it; never run here

from shlex import quote

from relato_runtime.jobs import Finding

HARMLESS = frozenset({"accepted", "duplicate"})
"""Kafka has everything at least once; what came twice is dropped by its version. Nothing on a topic can be
taken back: what somebody has accepted is told, and is not wrong."""


def repair(found: Finding) -> str | None:
    """The command; None for what is harmless. What stands in capitals is to be filled in."""
    # Whoever may publish chooses what stands on the topic, and an operator pastes this into a shell.
    ticket = f"--ticket {quote(found.ticket_id or '')}"
    match found.kind:
        case "missing":
            return f"relato events republish {ticket}"
        case "hole" if found.detail.get("on_topic"):
            return f"relato events adopt {ticket}"
        case "hole":
            return _from_backup(found)
        case "unexpected" if found.detail.get("follows"):
            return f"relato events adopt {ticket}"
        case "unexpected" | "different" | "disorder" | "scattered" | "foreign" | "not-adopted":
            return f"relato events accept {found.partition} {found.offset} --reason WHY"
        case "stream":
            return _sql(f"UPDATE streams SET version = {found.version} WHERE {_of_ticket(found)}")
        case "orphan":
            return _sql(f"DELETE FROM outbox WHERE seq = {found.detail['seq']}")
        case "not-imported":
            return f"relato events export {ticket}"
        case "late":
            return "relato status"
        case _:
            return _proofs(found, ticket)


def _proofs(found: Finding, ticket: str) -> str | None:
    """Of what chains and signed heads show."""
    match found.kind:
        case "forged" if found.detail.get("on_topic"):
            return f"{_sql(_delete(found))} && relato events adopt {ticket}"
        case "forged" | "rewritten":
            return f"{_sql(_delete(found))} && {_from_backup(found)}"
        case "cut":
            return _from_backup(found)
        case "unsigned":
            return "python -m notes.signing $RELATO_LOG_KEY_FILE $RELATO_LOG_NAME"
        case "unpublished":
            behind = f"size > {found.detail['published']}"
            return _sql(f"UPDATE tree_heads SET published = false WHERE {behind}")
        case "tree":
            return _sql("TRUNCATE tree_leaves, tree_nodes, tree_heads")
        case "unsealed":
            return "relato status"
        case "forked":
            return "relato events verify --head KEPT"
        case _:
            return None


def _from_backup(found: Finding) -> str:
    """From a database into which a backup was restored, beside this one; then it is to be published again."""
    chosen = f"SELECT * FROM events WHERE {_of_ticket(found)} AND version = {found.version}"
    copy = _argument(f"COPY ({chosen}) TO STDOUT")
    return f'psql "$BACKUP_DATABASE_URL" -c {copy} | {_sql("COPY events FROM STDIN")}'


def _delete(found: Finding) -> str:
    return f"DELETE FROM events WHERE {_of_ticket(found)} AND version = {found.version}"


def _of_ticket(found: Finding) -> str:
    literal = (found.ticket_id or "").replace("'", "''")
    return f"ticket_id = '{literal}'"


def _sql(statement: str) -> str:
    """To be looked at and run by hand, since it decides what counts."""
    return f'psql "$RELATO_NOTES_DATABASE_URL" -c {_argument(statement)}'


def _argument(text: str) -> str:
    """For a shell; SQL is full of single quotes and reads better in double ones, where nothing in it acts."""
    return quote(text) if set(text) & set('\\"`$!') else f'"{text}"'

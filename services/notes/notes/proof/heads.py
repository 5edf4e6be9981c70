"""Pure: a signed head of the tree as its record on ``relato.heads``, and back."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from relato_contracts.checkpoints import Key
from relato_contracts.envelope import Envelope, Undecodable, decode, encode, event_uuid
from relato_contracts.heads import Leaf as SealedLeaf
from relato_contracts.heads import LogSealed
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.positions import Record

from notes import signing
from notes.operating.adopt import SOURCE
from notes.proof.tree import Head, Leaf


class Sealed(NamedTuple):
    """A head, and the leaves that are new with it."""

    head: Head
    leaves: list[Leaf]


def record_of(topic: str, log: str, head: Head, new: Sequence[Leaf]) -> OutgoingRecord:
    """The record of a head, with the leaves that are new with it."""
    fact = LogSealed(
        log=log,
        size=head.size,
        root=head.root.hex(),
        checkpoint=head.checkpoint,
        leaves=tuple(
            SealedLeaf(ticket_id=each.ticket_id, version=each.version, head=each.head.hex()) for each in new
        ),
        sealed_at=head.sealed_at,
    )
    envelope = Envelope(id=str(head.event_id), source=SOURCE, time=head.sealed_at, subject=log)
    return OutgoingRecord(topic, *encode(fact, envelope))


def read(record: Record) -> Sealed | None:
    """What was sealed; None for what is no head of ours. By whom it is signed is another question."""
    try:
        envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
        if envelope.source != SOURCE or not isinstance(fact, LogSealed):
            return None
        event_id = event_uuid(envelope)
    except Undecodable:
        return None
    head = Head(fact.size, bytes.fromhex(fact.root), fact.checkpoint, event_id, fact.sealed_at)
    return Sealed(
        head, [Leaf(each.ticket_id, each.version, bytes.fromhex(each.head)) for each in fact.leaves]
    )


def genuine(sealed: Sealed, keys: Iterable[Key]) -> bool:
    """Whether one of these keys has signed just this size and root."""
    signed = signing.signed(sealed.head.checkpoint, keys)
    return signed is not None and (signed.size, signed.root) == (sealed.head.size, sealed.head.root)

"""Facts of the topic ``relato.heads``: what all tickets' chains had come to, signed."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from relato_contracts.fields import Fact, Id, Line, Text, UtcTime, Version

Hash = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(description="SHA-256 in hexadecimal.")
]
LEAVES_LIMIT = 1_000
"""Of new leaves with one head, so that its record is not too long."""


class Leaf(BaseModel):
    """A ticket's head at a version: it is the leaf's data, and stands for ticket and version as well."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    ticket_id: Id
    version: Version
    head: Hash


class LogSealed(Fact):
    """The log's tree got leaves, and its new head was signed; nobody can say another thing of it any more."""

    log: Line = Field(description="Its name, as in the checkpoint.")
    size: Annotated[int, Field(ge=1, description="How many leaves the tree has.")]
    root: Hash
    checkpoint: Text = Field(description="Size and root signed (C2SP tlog-checkpoint, Ed25519).")
    leaves: tuple[Leaf, ...] = Field(description="Those that are new, at the tree's end.")
    sealed_at: UtcTime

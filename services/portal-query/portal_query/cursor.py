"""Where the next page begins: opaque to clients, signed, and good for the list that it came from alone."""

from datetime import datetime
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer
from relato_runtime.field_errors import FieldError
from relato_runtime.problems import invalid

Place = tuple[str | int, ...]
"""The sort key of the last entry that was given out."""


class Cursors:
    """Signs places of lists and reads them back; all processes with the same secret understand each other."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def write(self, of: str, *place: str | int | datetime | UUID) -> str:
        """The cursor for what follows a place of the list ``of``."""
        return str(self._serializer(of).dumps([_plain(each) for each in place]))

    def read(self, of: str, cursor: str) -> Place:
        """The place that a cursor of the list ``of`` names; ``Problem`` 422 for any other."""
        try:
            return tuple(self._serializer(of).loads(cursor))
        except BadSignature as error:
            raise invalid(FieldError("/cursor", "This is not a cursor of this list.")) from error

    def _serializer(self, of: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"relato cursor {of}")


def _plain(part: str | int | datetime | UUID) -> str | int:
    match part:
        case datetime():
            return part.isoformat()
        case UUID():
            return str(part)
        case _:
            return part

"""Why a command is refused; each class says it in its docstring, and its code is in the API."""

from relato_runtime.field_errors import FieldError


class Refused(Exception):
    """The command cannot be carried out."""

    status = 409
    code = "refused"

    @property
    def detail(self) -> str:
        """The sentence for whoever asked."""
        return (type(self).__doc__ or "").strip()


class TicketNotFound(Refused):
    """There is no such ticket, or you may not see it."""

    status, code = 404, "ticket-not-found"


class OccurrenceNotFound(Refused):
    """The ticket has no such occurrence."""

    status, code = 404, "occurrence-not-found"


class NotPermitted(Refused):
    """You may not do this on this ticket."""

    status, code = 403, "not-permitted"


class OccurrencesDisabled(Refused):
    """Occurrences are switched off (parameter 298)."""

    code = "occurrences-disabled"


class MessagesDisabled(Refused):
    """Messages between requester and responsible are switched off (parameter 299)."""

    code = "messages-disabled"


class ChatDisabled(Refused):
    """Chat is switched off (parameter 316)."""

    code = "chat-disabled"


class TicketClosed(Refused):
    """The ticket is closed or cancelled."""

    code = "ticket-closed"


class AlreadyRetracted(Refused):
    """The occurrence has been retracted."""

    code = "already-retracted"


class AlreadyReleased(Refused):
    """The occurrence is not held back, or not any more."""

    code = "already-released"


class VersionConflict(Refused):
    """Something else happened to the occurrence since you saw it."""

    status, code = 412, "version-conflict"


class Invalid(Refused):
    """The request is not valid."""

    status, code = 422, "invalid"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(*errors)
        self.errors = errors

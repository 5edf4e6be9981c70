"""The services as other tests run them, on real servers, to be treated badly here."""

from tests.integration.history_projector.conftest import projector, projector_settings
from tests.integration.notes.conftest import notes_settings, service
from tests.integration.notifier.conftest import idle, mailbox
from tests.integration.portal_query.conftest import history, portal, presence_prefix, settings

__all__ = [
    "history", "idle", "mailbox", "notes_settings", "portal", "presence_prefix", "projector",
    "projector_settings", "service", "settings",
]  # fmt: skip

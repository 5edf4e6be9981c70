"""The README names every setting there is, and none that there is not."""

import re
from pathlib import Path

from history_projector.settings import ProjectorSettings
from notes.settings import NotesSettings
from notifier.settings import NotifierSettings
from portal_query.settings import PortalSettings

README = Path(__file__).parents[2] / "README.md"
OF_THE_COMMAND = {"RELATO_HOME", "RELATO_PORT", "RELATO_POSTGRES_URL"}


def test_the_table_of_settings_is_complete_and_true() -> None:
    models = (NotesSettings, NotifierSettings, ProjectorSettings, PortalSettings)
    settings = {f"RELATO_{name.upper()}" for model in models for name in model.model_fields}
    named = set(re.findall(r"RELATO_[A-Z_]*[A-Z]", README.read_text()))
    # The examples for other teams read the broker's address by the same name.
    assert named - OF_THE_COMMAND == settings

"""The README names every setting there is, and none that there is not."""

import re
from pathlib import Path

from history_projector.settings import ProjectorSettings
from notes.settings import NotesSettings
from notifier.settings import NotifierSettings
from portal_query.settings import PortalSettings
from relato.reach import Given
from relato.settings import StackSettings
from relato_runtime.topics import TopicSettings

README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_settings_is_complete_and_true() -> None:
    models = (
        NotesSettings,
        NotifierSettings,
        ProjectorSettings,
        PortalSettings,
        StackSettings,
        TopicSettings,
        Given,
    )
    settings = {f"RELATO_{name.upper()}" for model in models for name in model.model_fields}
    settings.add("RELATO_BENCH_GROWN")
    named = set(re.findall(r"RELATO_[A-Z_]*[A-Z]", README.read_text()))
    assert named == settings

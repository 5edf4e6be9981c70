"""Runs the history projector."""

from relato_runtime.serve import serve

from history_projector.settings import ProjectorSettings

if __name__ == "__main__":
    serve("history-projector", ProjectorSettings, "history_projector.app:build")

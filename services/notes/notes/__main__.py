"""Runs the notes service."""

from relato_runtime.serve import serve

from notes.settings import NotesSettings

if __name__ == "__main__":
    serve("notes", NotesSettings, "notes.app:build")

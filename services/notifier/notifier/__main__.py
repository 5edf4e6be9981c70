"""Runs the notifier."""

from relato_runtime.serve import serve

from notifier.settings import NotifierSettings

if __name__ == "__main__":
    serve("notifier", NotifierSettings, "notifier.app:build")

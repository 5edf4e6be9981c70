"""The local stack: every server and service that Relato needs, on one machine."""

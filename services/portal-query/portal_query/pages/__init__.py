"""Pages: templates over the same reads and the same ``view`` as the JSON."""

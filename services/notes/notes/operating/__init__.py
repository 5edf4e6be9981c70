"""The whole log, looked after: verified, repaired, level with its topic, replayed, exported, imported."""

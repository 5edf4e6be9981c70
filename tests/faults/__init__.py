"""The promises kept while things break: faults under load, judged by what clients were told."""

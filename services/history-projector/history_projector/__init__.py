"""Facts of all topics into the read models of tickets and of requesters."""

"""How long a service takes to stop, at most: in seconds, each step after the one before.

A mail that is in the mail server's hands when its process is killed is uncertain.
"""

IN_ALL = 10.0
"""From SIGTERM until whoever started a service kills it."""

REQUESTS = 3
"""Requests that came before, and streams."""

LOOPS = 5.75
"""Loops, all at the same time."""

POOL = 1.0
"""Connections to the database, once nobody uses them."""

PRODUCER, SUBSCRIBER, BROKER = 2.0, 1.5, 1.0
"""Clients of Kafka, of which a loop may have all: while it is away they do not end by themselves."""

CLAIM, MAILS = 1.0, 3.5
"""The loop that sends mails: what it was claiming, then what is in the mail server's hands."""

ONE_LOOP = 4.5
"""What a loop within a loop has, and any loop for what it holds."""

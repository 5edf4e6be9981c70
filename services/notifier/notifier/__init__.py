"""Events become mails: at most one for each event, recipient and template."""

"""What somebody is told before an export fills an installation."""

from relato.commands.moving import sentence


def test_a_dry_run_says_how_much_it_is_and_what_does_not_come() -> None:
    said = sentence({"job": None, "dry_run": True, "tickets": 2, "events": 7, "mails": 0})
    assert said.startswith("7 events of 2 tickets; 0 mails will be sent.")
    assert "What became of mails before" in said
    assert "does not come" in said

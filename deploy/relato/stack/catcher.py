"""Runs the mail catcher, without its line for each mail that says to whom it went."""

import logging

from mail_devel.__main__ import main

if __name__ == "__main__":
    for name in ("mail_devel", "mail.log"):  # the latter is aiosmtpd's
        logging.getLogger(name).setLevel(logging.WARNING)
    main()

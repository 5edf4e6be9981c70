"""What goes wrong around the local stack, said in sentences that people can act on."""


class StackError(Exception):
    """The local stack cannot do what was asked; the text says why and what helps."""

"""What the shop refuses, in words a customer can act on."""


class Refused(Exception):
    """The command was understood; the domain says no.

    ``code`` is for programs (``wrong_status``), ``str(error)`` is for people, ``facts`` are what they need to go on.
    ``pointer`` says which part of what was asked is refused (``/lines/0/sku``), if it is a part.
    """

    code = "refused"

    def __init__(self, detail: str, *, pointer: str = "", **facts: object) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.facts = facts


class WrongStatus(Refused):
    """What is asked needs another status: the message says which."""

    code = "wrong_status"

"""What the shop refuses, in words a customer can act on."""


class Refused(Exception):
    """The command was understood; the domain says no.

    ``code`` is for programs (``wrong_status``), ``str(error)`` is for people, ``facts`` are what they need to go on.
    """

    code = "refused"

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.facts = facts


class WrongStatus(Refused):
    """What is asked needs another status: the message says which."""

    code = "wrong_status"

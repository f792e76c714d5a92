"""What the fake gateway can be told to get wrong: by the card, by the amount, or over ``/control/faults``."""

import threading
from collections import Counter
from typing import NamedTuple

KINDS = {
    "decline": "answer no",
    "error": "answer 500, and do nothing",
    "delay": "do it, and answer after `seconds`",
    "charge_then_hang": "do it, and never answer",
    "charge_then_error": "do it, and answer 500",
    "hang": "never answer, and do nothing",
    "nonsense": "do it, and answer what cannot be read",
}


class Fault(NamedTuple):
    kind: str  # of KINDS
    times: int  # how often; 0: always
    reason: str = "card_declined"  # of a decline
    seconds: float = 2.0  # of a delay


# By the last four of a card, when it is authorised. All of these numbers are valid, and none is anybody's.
CARDS = {
    "0002": Fault("decline", 0),  # 4000 0000 0000 0002
    "9995": Fault("decline", 0, "insufficient_funds"),  # 4000 0000 0000 9995
    "0119": Fault("error", 2),  # 4000 0000 0000 0119
    "3220": Fault("charge_then_hang", 1),  # 4000 0000 0000 3220
    "3063": Fault("hang", 1),  # 4000 0000 0000 3063
    "3014": Fault("delay", 1),  # 4000 0000 0000 3014; any card may end so: only this gateway minds
}
# By the amount in cents, whatever the operation.
AMOUNTS = {
    66602: Fault("decline", 0),
    66605: Fault("error", 2),
    66606: Fault("charge_then_hang", 1),
    66607: Fault("hang", 1),
    66608: Fault("charge_then_error", 1),
    66609: Fault("nonsense", 1),
}


class Faults:
    """Which fault an operation meets. Those told over ``/control/faults`` come first, in their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: list[list[object]] = []  # [operation or *, fault, times left]
        self._met: Counter[str] = Counter()

    def tell(self, operation: str, fault: Fault) -> None:
        with self._lock:
            self._told.append([operation, fault, fault.times])

    def forget(self) -> None:
        with self._lock:
            self._told.clear()

    def meets(self, key: str, operation: str, last_four: str, cents: int) -> Fault | None:
        with self._lock:
            for told in self._told:
                if told[0] in (operation, "*"):
                    fault = told[1]
                    told[2] -= 1  # type: ignore[operator]
                    if told[2] == 0:
                        self._told.remove(told)
                    return fault  # type: ignore[return-value]
            fault = (CARDS.get(last_four) if operation == "authorise" else None) or AMOUNTS.get(cents)
            if fault and (not fault.times or self._met[key] < fault.times):
                self._met[key] += 1
                return fault
            return None

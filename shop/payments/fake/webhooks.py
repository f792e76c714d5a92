"""What the fake gateway tells the shop by itself: signed, and as late or as often as it was told to."""

import json
import threading
import time
import urllib.request
from typing import Any
from uuid import uuid4

from shop.payments.fake.ledger import EVENTS
from shop.payments.signing import HEADER, sign

MODES = ("usual", "late", "twice", "never")
TRIES = 5


class Webhooks:
    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self.mode, self.seconds = "usual", 3.0

    def tell(self, entry: dict[str, Any]) -> None:
        """In a thread of its own: whoever asked does not wait for it."""
        if self._url and self.mode != "never":
            threading.Thread(target=self._tell, args=[entry, self.mode, self.seconds], daemon=True).start()

    def _tell(self, entry: dict[str, Any], mode: str, seconds: float) -> None:
        if mode == "late":
            time.sleep(seconds)
        facts = {name: entry[name] for name in ("key", "reference", "currency", "reason")}
        facts["amount"] = money(entry["cents"])
        event = {"id": f"evt_{uuid4().hex}", "type": EVENTS[entry["operation"], entry["outcome"]], "data": facts}
        for _ in range(2 if mode == "twice" else 1):
            self._deliver(json.dumps(event).encode())

    def _deliver(self, body: bytes) -> None:
        """Until it is taken, or the shop has said no too often."""
        for number in range(TRIES):
            headers = {"Content-Type": "application/json", HEADER: sign(self._secret, body, int(time.time()))}
            try:
                with urllib.request.urlopen(  # noqa: S310  # the address is the operator's
                    urllib.request.Request(self._url, body, headers),  # noqa: S310
                    timeout=5,
                ):
                    return
            except OSError as error:
                print(f"webhook not taken: {error}", flush=True)
                time.sleep(2**number)


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

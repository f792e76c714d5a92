"""What a stop of the tour is: do this, see that."""

from dataclasses import dataclass, replace

from shop.demo.signins import TOKEN


@dataclass(frozen=True)
class Door:
    """A way into the shop: a page to open, a button of the tour, or a command for the terminal."""

    text: str
    to: str = ""  # an address of this shop
    posts: str = ""  # what the tour does when it is pressed
    runs: str = ""


@dataclass(frozen=True)
class Stop:
    slug: str
    title: str
    story: str
    do: tuple[Door, ...]
    see: str
    done: bool | None = None  # None: it counts as done when one of its pages was opened

    def at(self, address: str) -> "Stop":
        """With the commands for the shop at that address."""
        do = tuple(replace(door, runs=door.runs.replace("{address}", address)) for door in self.do)
        return replace(self, do=do)


def doors(*asked: Door | None) -> tuple[Door, ...]:
    """Those that lead somewhere."""
    return tuple(door for door in asked if door)


def page(text: str, to: str | None) -> Door | None:
    return Door(text, to) if to else None


def run(text: str, command: str) -> Door:
    return Door(text, runs=command)


def call(text: str, method: str, path: str | None, body: str = "") -> Door | None:
    """By curl, as the one who may do everything."""
    if path is None:
        return None
    data = f" \\\n  -H 'Content-Type: application/json' -d '{body}'" if body else ""
    asked = "" if method == "GET" else f' -X {method} -H "Idempotency-Key: $(date +%s%N)"'  # each time another
    return run(text, f"curl -s{asked} -H 'Authorization: Token {TOKEN}'{data} \\\n  {{address}}{path}")

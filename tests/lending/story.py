"""A random story of a library, and a naive fold of it that shares no code with the engine."""

import json
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from eventstore import log
from tests.lending.domain import Book, Copy, Library, Loan, Member

library = Library()


def tell(count: int, seed: int = 1) -> None:
    """Record about ``count`` events, all in one append."""
    chance, stored, barcode = random.Random(seed), [], seed * 1000
    books: list[Book] = []
    members: list[Member] = []
    loans: list[Loan] = []

    def say(aggregate: Any) -> Any:
        stored.extend(library.mapper.to_stored_event(event) for event in aggregate.collect_events())
        return aggregate

    def money() -> Decimal:
        return Decimal(chance.randrange(1, 9999)).scaleb(-2)

    while len(stored) < count:
        does = chance.choices("BRADSMNLOIK", (3, 2, 2, 1, 1, 2, 2, 1, 6, 1, 4))[0]
        book, member = (chance.choice(known) if known else None for known in (books, members))
        if does == "B" or book is None:
            barcode += 3
            copies = tuple(Copy(barcode + n, chance.choice(("new", "worn"))) for n in range(chance.randrange(3)))
            shelf, subjects = chance.choice("ABC"), tuple(chance.sample(("sea", "war", "love"), 2))
            books.append(say(Book(f"Book {barcode}", money(), shelf, subjects, copies)))
        elif does == "M" or member is None:
            members.append(say(Member(f"Member {len(stored)}")))
        elif does in "RADS":
            if does == "R":
                book.retitle(f"Retitled {len(stored)}")
            elif does == "A":
                book.appraise(money(), chance.choice(((), ("rare",))))
            elif does == "S":
                book.stamp()
            else:
                book.discard()
                books.remove(book)
            say(book)
        elif does == "N":
            member.rename(f"Renamed {len(stored)}")
            say(member)
        elif does == "L":
            member.leave()
            members.remove(member)
            loans = [loan for loan in loans if loan.member_id != member.id]
            say(member)
        elif does in "OI":
            due = date(2026, 1, 1) + timedelta(days=len(stored))
            loans.append(say(Loan(book.id, member.id if does == "O" else None, due)))
        elif loans:
            loan = loans.pop(chance.randrange(len(loans)))
            loan.bring_back(loan.member_id, money())
            say(loan)
    library.recorder.append(stored)


Tables = dict[str, dict[Any, dict[str, Any]]]


def naive(position: int | None = None) -> Tables:
    """What the library's tables hold after the event at ``position``, or after the last: key → column → value."""
    tables: Tables = {"bookcard": {}, "volume": {}, "shelf": {}, "borrower": {}, "loancard": {}}
    books, volumes, shelves, borrowers, loans = tables.values()
    copies_of, loans_of = defaultdict[UUID, list[int]](list), defaultdict[UUID, list[UUID]](list)
    for event in log.after(0, limit=1_000_000, up_to=position):
        facts, key, at = json.loads(event.data), event.stream_id, {"position": event.position}
        own = {**at, "version": event.version}
        who = UUID(facts["member_id"]) if facts.get("member_id") else None
        match event.name:
            case "Book.Acquired":
                price = Decimal(facts["price"])
                books[key] = {"id": key, "title": facts["title"], "price": price, "subjects": facts["subjects"], **own}
                books[key]["acquired_at"] = event.effective_at
                for copy in facts["copies"]:
                    code, condition = copy["barcode"], copy["condition"]
                    volumes[code] = {
                        "id": code,
                        "book_id": key,
                        "condition": condition,
                        "wear": 0.5,
                        **at,
                        "version": 0,
                    }
                    volumes[code]["label"] = condition.upper()
                    copies_of[key].append(code)
                shelf = shelves.setdefault(facts["shelf"], {"name": facts["shelf"], "books": 0, "worth": 0})
                shelf |= {"books": shelf["books"] + 1, "worth": shelf["worth"] + price, **at, "version": 0}
            case "Book.Retitled":
                books[key] |= {"title": facts["title"], **own}
            case "Book.Appraised":
                subjects = books[key]["subjects"] + facts["subjects"]
                books[key] |= {"price": Decimal(facts["price"]), "subjects": subjects, **own}
            case "Book.Stamped":
                books[key] |= own
            case "Book.Discarded":
                del books[key]
                for code in copies_of.pop(key, ()):
                    del volumes[code]
            case "Member.Joined":
                borrowers[key] = {
                    "id": key,
                    "name": facts["name"],
                    "open_loans": 0,
                    "fines": 0,
                    "last_book_id": None,
                    **own,
                }
            case "Member.Renamed":
                borrowers[key] |= {"name": facts["name"], **own}
                for loan in loans_of[key]:
                    loans[loan] |= {"member_name": facts["name"], **at}
            case "Member.Left":
                del borrowers[key]
                for loan in loans_of.pop(key, ()):
                    del loans[loan]
            case "Loan.Opened":
                book = UUID(facts["book_id"])
                name = borrowers[who]["name"] if who else "in the house"
                loans[key] = {
                    "id": key,
                    "book_id": book,
                    "member_id": who,
                    "member_name": name,
                    "returned": False,
                    **own,
                }
                loans[key]["due"] = date.fromisoformat(facts["due"])
                if who:
                    loans_of[who].append(key)
                    borrowers[who] |= {"open_loans": borrowers[who]["open_loans"] + 1, "last_book_id": book, **at}
            case "Loan.Returned":
                loans[key] |= {"returned": True, **own}
                if who:
                    left, fines = borrowers[who]["open_loans"] - 1, borrowers[who]["fines"] + Decimal(facts["fine"])
                    borrowers[who] |= {"open_loans": left, "fines": fines, **at}
    return tables

"""Who buys at Harbour & Hearth: forty customers, all made up."""

from typing import NamedTuple
from uuid import UUID

from shop.values import Address, id_of


class Person(NamedTuple):
    key: str
    name: str
    address: Address
    joins: int  # days after the shop opened
    card: str  # its number; "": none
    limit: int  # of the account, in whole euros; 0: none

    @property
    def id(self) -> UUID:
        return id_of("demo", self.key)

    @property
    def email(self) -> str:
        return f"{self.key}@example.com"


CARDS = ("4242424242424242", "5555555555554444", "4000056655665556", "5200828282828210", "")
PEOPLE = """
ada Ada Harbour | 1 Quay Street | Whitby | YO21 1AA | GB
bruno Bruno Feldmann | Deichstraße 14 | Hamburg | 20459 | DE
clara Clara Whitfield | 8 Mill Lane | York | YO1 6JT | GB
daniel Daniel Okafor | 22 Castle Road | Scarborough | YO11 1XB | GB
elena Elena Marchetti | Via del Porto 3 | Trieste | 34121 | IT
finn Finn Petersen | Havnegade 19 | Aarhus | 8000 | DK
greta Greta Lindqvist | Strandvägen 5 | Göteborg | 411 26 | SE
hugo Hugo Lambert | 12 rue du Port | Saint-Malo | 35400 | FR
imogen Imogen Hartley | 3 Chapel Row | Robin Hood's Bay | YO22 4SH | GB
jonas Jonas Brandt | Am Hafen 7 | Kiel | 24103 | DE
katya Katya Novak | Obala 21 | Piran | 6330 | SI
liam Liam Doyle | 40 Strand Street | Dingle | V92 X5R8 | IE
marta Marta Silva | Rua da Praia 9 | Porto | 4050-253 | PT
noor Noor van Dijk | Oude Haven 11 | Zierikzee | 4301 JK | NL
oscar Oscar Bell | 17 Sandgate | Whitby | YO22 4DB | GB
petra Petra Vogel | Fischmarkt 2 | Bremerhaven | 27568 | DE
quentin Quentin Moreau | 5 quai des Brumes | Honfleur | 14600 | FR
rosa Rosa Jiménez | Calle del Mar 30 | Cádiz | 11003 | ES
samir Samir Haddad | 9 Flowergate | Whitby | YO21 3BA | GB
tilda Tilda Berg | Bryggen 4 | Bergen | 5003 | NO
ursula Ursula Kern | Seestraße 18 | Lindau | 88131 | DE
victor Victor Stone | 2 Harbourside | Bristol | BS1 5UH | GB
wanda Wanda Kowalska | Długa 12 | Gdańsk | 80-831 | PL
xenia Xenia Pappas | Akti Posidonos 6 | Piraeus | 185 31 | GR
yusuf Yusuf Demir | Rahmi Koç 1 | Rotterdam | 3011 WN | NL
zoe Zoe Carter | 6 Fish Quay | North Shields | NE30 1HJ | GB
amelia Amelia Frost | 11 Staithes Lane | Staithes | TS13 5BQ | GB
ben Ben Adler | Hafenweg 22 | Münster | 48155 | DE
celia Celia Grant | 14 Marine Parade | Brighton | BN2 1TL | GB
dora Dora Eriksson | Fiskargatan 8 | Kalmar | 392 31 | SE
emil Emil Hansen | Nyhavn 31 | København | 1051 | DK
freya Freya Macleod | 5 Shore Street | Ullapool | IV26 2UJ | GB
george George Ashby | 28 Church Street | Whitby | YO22 4DE | GB
hanna Hanna Jansen | Kade 15 | Vlissingen | 4381 HZ | NL
isaac Isaac Reid | 19 The Shore | Leith | EH6 6QW | GB
june June Parry | 7 Pier Road | Aberystwyth | SY23 2AZ | GB
karl Karl Winter | Seebrücke 1 | Sellin | 18586 | DE
lotte Lotte Maier | Uferweg 33 | Konstanz | 78462 | DE
milo Milo Costa | 25 Ferry Road | Dartmouth | TQ6 9DQ | GB
nina Nina Sørensen | Skippergata 10 | Tromsø | 9008 | NO
"""


def people() -> list[Person]:
    found = []
    for number, line in enumerate(PEOPLE.strip().splitlines()):
        named, *address = (part.strip() for part in line.split("|"))
        key, _, name = named.partition(" ")
        joins = number // 3 if number < 18 else 12 + (number - 18) * 12
        card = CARDS[number % len(CARDS)]
        found.append(Person(key, name, Address(*address), joins, card, 1500 if number % 5 == 4 else 0))
    return found

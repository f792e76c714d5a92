"""What Harbour & Hearth sells: 140 things, fourteen kinds of ten."""

from decimal import Decimal
from typing import NamedTuple


class Good(NamedTuple):
    sku: str
    name: str
    price: Decimal
    description: str
    opening: int  # pieces received before it is sold
    liked: int  # how often it is bought, against others


class Kind(NamedTuple):
    code: str
    prices: str  # of the ten, or fewer that are repeated
    opening: int
    liked: int
    says: str  # of what it is; {} is the thing's own few words
    things: str  # CODE Name | a few words


KINDS = (
    Kind(
        "MUG",
        "12.50 12.50 13.90 11.90",
        48,
        9,
        "Stoneware mug, 350 ml, thrown and glazed by hand in Whitby. {}. Dishwasher safe.",
        """HARBOUR Harbour mug | Boats at their moorings, in blue slip
        LIGHTHOUSE Lighthouse mug | Red and white, with a chip-proof rim
        GULL Seagull mug | One gull, looking for your chips
        FISHER Fisherman's mug | Deep, with a handle for cold fingers
        ANCHOR Anchor mug | An anchor pressed into grey clay
        STORM Storm mug | No two glazes alike, as no two storms
        LANTERN Lantern mug | Warm amber inside, black outside
        SAIL Sailcloth mug | Unglazed outside, with the feel of canvas
        PEBBLE Pebble mug | Round as from the beach, no handle
        CRAB Crab mug | A crab at the bottom, for who drinks up""",
    ),
    Kind(
        "TEA",
        "6.90 5.90 7.50",
        120,
        10,
        "Loose leaf tea in a tin that closes. {}. Enough for forty cups.",
        """EARL Earl Grey, 100 g | Black, with oil of bergamot from Calabria
        BREAKFAST Harbour breakfast, 100 g | Assam and Kenya, strong enough for milk
        SMOKED Smoked Lapsang, 100 g | Dried over pine, tastes of a beach fire
        GREEN Green sencha, 100 g | Steamed, grassy, light
        MINT Garden mint, 60 g | Only leaves, nothing else
        ROOIBOS Rooibos orange, 100 g | No caffeine, with orange peel
        CHAI Hearth chai, 100 g | Cardamom, ginger, cinnamon, pepper
        CAMOMILE Camomile, 50 g | Whole flowers
        JASMINE Jasmine pearls, 80 g | Rolled by hand, they open in the glass
        WINTER Winter tea, 100 g | Black, with almond and orange""",
    ),
    Kind(
        "CANDLE",
        "18.00 16.00 18.00 21.00",
        40,
        8,
        "Candle of rapeseed wax in a reusable glass, burns for forty hours. {}.",
        """SEA Sea salt candle | Salt, sage, a window open to the north
        DRIFTWOOD Driftwood candle | Cedar and a little smoke
        FIG Fig tree candle | Green leaves and ripe fruit
        HEATHER Heather candle | The moor in August
        AMBER Amber candle | Resin, vanilla, leather
        PINE Pine candle | A tree, without the needles on the floor
        ROSE Old rose candle | From a garden, not from a bottle
        LAVENDER Lavender candle | For the bedside
        HEARTH Hearth candle | Birch fire and toast
        LINEN Clean linen candle | Washing on a line by the sea""",
    ),
    Kind(
        "TOWEL",
        "9.00 9.00 10.50",
        36,
        6,
        "Tea towel of half linen, half cotton, 50 × 70 cm, with a loop. {}.",
        """STRIPE Striped tea towel | Three blue stripes, as on the quay
        ANCHOR Anchor tea towel | Small anchors, printed by hand
        CHECK Checked tea towel | The classic, in brick red
        FISH Herring tea towel | A shoal that swims one way, but for one
        WAVE Wave tea towel | Woven, not printed
        GULL Gull tea towel | They watch you dry
        ROPE Rope tea towel | Knots worth knowing, with their names
        MAP Coast map tea towel | From Whitby to Scarborough, with soundings
        INDIGO Indigo tea towel | Dyed in the piece, softens with age
        OATS Oat tea towel | Undyed""",
    ),
    Kind(
        "PRINT",
        "24.00 24.00 32.00 28.00",
        25,
        3,
        "Linocut, printed by hand on 300 g cotton paper, A3, signed. {}.",
        """DAWN Harbour at dawn | Four colours, an edition of 250
        BOATS Three boats | Seen from the wall
        LIGHT The light | Of the lighthouse, on fog
        MOOR Moor road | Heather, and one sheep
        CATCH The catch | Crates, ropes, a cat
        TIDE Low tide | What the sea leaves behind
        STORM Storm coming | In two greys
        KITCHEN Kitchen window | A jug, a lemon, the sea
        MAP Old chart | After a survey of 1824
        GULLS Gulls over the roofs | Loud, even on paper""",
    ),
    Kind(
        "CUSHION",
        "29.00 34.00",
        18,
        3,
        "Cushion with feather filling, 45 × 45 cm, cover of washed linen. {}.",
        """NAVY Navy cushion | The blue of a deep evening
        STRIPE Deckchair cushion | Wide stripes, as in summer
        SAND Sand cushion | Goes with everything, shows nothing
        MOSS Moss cushion | Green, a little grey
        RUST Rust cushion | The red of an old buoy
        ANCHOR Anchor cushion | Embroidered
        WHALE Whale cushion | One whale, across both sides
        ROPE Rope cushion | Corded edge
        CLOUD Cloud cushion | White linen, stone-washed
        CHECK Gingham cushion | Small checks, big comfort""",
    ),
    Kind(
        "THROW",
        "79.00 89.00 69.00",
        12,
        2,
        "Throw of Shetland wool, 130 × 180 cm, woven in Yorkshire. {}.",
        """HERRING Herringbone throw | Charcoal and cream
        TIDE Tide throw | Five blues, from shore to deep
        HEATHER Heather throw | Purple, as the moor in August
        OATS Oatmeal throw | Undyed wool of three sheep
        CHECK Window check throw | Navy on grey
        FIRE Fireside throw | Red, brown, a thread of gold
        SEAWEED Seaweed throw | Greens that do not match, and do
        FOG Fog throw | Light grey, brushed soft
        STRIPE Blanket stripe throw | As on old hospital beds, but soft
        NIGHT Night watch throw | Nearly black""",
    ),
    Kind(
        "SOAP",
        "5.50 5.50 6.50",
        90,
        7,
        "Soap of olive and rapeseed oil, 100 g, cold made and six weeks cured. {}.",
        """SEAWEED Seaweed soap | With kelp from Robin Hood's Bay
        SALT Salt soap | Hard, lasts, leaves skin smooth
        OATS Oat soap | For hands that work
        ROSE Rose soap | With petals
        TAR Tar soap | Smells like a boat, in the good way
        LEMON Lemon soap | For the kitchen
        LAVENDER Lavender soap | From our own three bushes
        HONEY Honey soap | From the moor
        CHARCOAL Charcoal soap | Black, washes clean
        PLAIN Plain soap | Nothing in it""",
    ),
    Kind(
        "JAR",
        "7.20 6.40 8.90",
        72,
        6,
        "From a small kitchen by the harbour, in a jar with a good lid. {}.",
        """MARMALADE Seville marmalade, 340 g | Dark, thick cut
        CHUTNEY Apple chutney, 280 g | Onions, raisins, a year's patience
        HONEY Heather honey, 340 g | Sets like jelly
        LEMON Lemon curd, 300 g | Butter, eggs, lemons
        SALT Smoked sea salt, 180 g | Over oak, for two days
        MUSTARD Ale mustard, 190 g | Coarse, with dark ale
        RHUBARB Rhubarb jam, 340 g | From the Yorkshire triangle
        PICKLE Harbour pickle, 280 g | For cheese
        CARAMEL Salted caramel, 220 g | Warm it, or do not wait
        CAPERS Nasturtium capers, 120 g | Picked green""",
    ),
    Kind(
        "BOWL",
        "16.50 22.00 38.00",
        24,
        4,
        "Stoneware bowl from the same kiln as our mugs. {}. Oven safe.",
        """RICE Small bowl | For rice, or for keys
        SOUP Soup bowl | With a rim that holds bread
        SALAD Salad bowl | For six
        PASTA Pasta plate | Half bowl, half plate
        CEREAL Morning bowl | For porridge
        DIP Dip bowl | For salt, sauce, rings
        FRUIT Fruit bowl | On a foot
        MIXING Mixing bowl | With a spout
        OVAL Oval dish | For a fish
        PIE Pie dish | For eight, or four""",
    ),
    Kind(
        "WOOD",
        "26.00 14.00 19.50",
        30,
        4,
        "From ash and oak that the storms brought down, oiled. {}.",
        """BOARD Bread board | With a groove for crumbs
        SPOON Cooking spoon | Left or right, say which
        SPATULA Spatula | Gets into corners
        TRAY Breakfast tray | With handles
        BUTTER Butter knife | Spreads in February too
        PEEL Pizza peel | For bread as well
        COASTER Coasters, four | With cork below
        ROLLING Rolling pin | No handles, feels more
        HOOKS Hook rail | Five pegs of ash
        BOX Tea box | With six rooms""",
    ),
    Kind(
        "CARD",
        "3.20 3.20 8.50",
        150,
        7,
        "Printed on a letterpress of 1961, with envelope. {}.",
        """GULL Card: gull | Good wishes, no wisdom
        BOAT Card: new boat | For a new home, or a boat
        ANCHOR Card: stay | Blank inside
        BIRTHDAY Card: many more | For birthdays
        THANKS Card: thank you | In blue
        SORRY Card: sorry | In grey
        WINTER Cards: winter, five | Snow on the harbour
        NOTES Note cards, ten | Plain, with a line
        BABY Card: hello | For the newly born
        LOVE Card: harbour lights | For whom you like""",
    ),
    Kind(
        "LAMP",
        "49.00 36.00 58.00",
        14,
        2,
        "Made to be mended: every part can be had. {}. Fits E27 or a tea light.",
        """STORM Storm lantern | Burns in wind
        SHIP Ship's lamp | Brass, from a yard's own pattern
        TABLE Table lamp | Stoneware foot, linen shade
        READING Reading lamp | A cord to pull
        BUOY Buoy light | Red glass
        CORD Rope pendant | Three metres of hemp
        TEA Tea light house | A small house, lit from inside
        WALL Wall light | Enamel, as in a boathouse
        NIGHT Night light | For children, and others
        GLASS Fishing float lamp | Green glass, blown""",
    ),
    Kind(
        "TOY",
        "15.00 22.50 9.80",
        32,
        4,
        "Wood, wool and water-based paint. {}. For three years and older.",
        """BOAT Bath boat | It floats
        WHALE Wool whale | Soft, washable
        CRANE Harbour crane | It lifts what you lift
        GULL Mobile: gulls | Five, in the draught
        DOMINO Fish dominoes | With a bag
        ROPE Knot board | Learn six
        HOUSE Lighthouse blocks | Eleven, and a light
        CRAB Crab on a string | Walks sideways, of course
        PUZZLE Coast puzzle | 48 pieces
        KITE Small kite | Flies in little wind""",
    ),
)


def goods() -> list[Good]:
    found = []
    for kind in KINDS:
        prices = kind.prices.split()
        for number, line in enumerate(kind.things.splitlines()):
            named, _, words = line.strip().partition(" | ")
            code, _, name = named.partition(" ")
            price = Decimal(prices[number % len(prices)])
            liked = kind.liked * (10 - number) // 2 + 1  # the first of a kind are the ones it is known for
            found.append(
                Good(f"{kind.code}-{code}", name, price, kind.says.format(words), kind.opening, liked),
            )
    return found

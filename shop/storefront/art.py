"""Pictures of goods that nobody has photographed: a linocut by what a product is called, inked by its SKU.

Knows no framework. The same product always looks the same.
"""

import re
from hashlib import blake2b

from shop.storefront.motifs import MOTIFS

INKS = 7  # palettes in the style sheet
WORDS = {  # of a name, the last one that says what it is: a tea towel is a towel
    "mug": "mug mugs cup cups tumbler beaker espresso",
    "tea": "tea teas caddy tin tins earl assam darjeeling chai coffee cocoa biscuits shortbread",
    "teapot": "teapot kettle jug pitcher coffeepot",
    "candle": "candle candles tealight taper wax",
    "towel": "towel towels cloth flannel napkin napkins runner",
    "soap": "soap soaps bath salts shampoo scrub",
    "jar": "jar jam marmalade honey chutney curd preserve preserves mustard pickle pickles",
    "bottle": "bottle oil gin rum syrup cordial vinegar diffuser spray lotion",
    "blanket": "blanket blankets throw throws plaid quilt",
    "cushion": "cushion cushions pillow",
    "book": "book books notebook journal diary planner cookbook sketchbook calendar guide",
    "card": "card cards envelope envelopes postcard postcards letter paper stationery wrap tags",
    "print": "print prints poster posters map chart frame picture linocut postersize sign",
    "lighthouse": "lighthouse beacon",
    "boat": "boat boats ship sail sailing yacht dinghy kite puzzle",
    "lantern": "lantern lanterns lamp light lights torch holder",
    "plate": "plate plates saucer platter dish coaster coasters tray",
    "bowl": "bowl bowls ramekin mortar",
    "basket": "basket baskets hamper crate box",
    "bag": "bag bags tote rucksack pouch purse backpack",
    "apron": "apron aprons smock pinafore",
    "clock": "clock clocks barometer watch compass timer",
    "bear": "bear bears toy toys teddy doll rabbit seal otter puffin",
    "socks": "socks sock stockings slippers mittens gloves",
    "hat": "hat hats beanie cap bobble scarf scarves jumper",
    "vase": "vase vases flower flowers planter pot bouquet seeds",
    "board": "board boards spoon spoons spatula peg hook hooks brush wooden rack",
    "rope": "rope doormat mat mats knot rug twine net",
    "star": "star stars bauble baubles ornament ornaments wreath bunting garland decoration decorations",
    "bell": "bell bells chime chimes wind",
    "fish": "fish sardine sardines mackerel herring anchovy",
    "shell": "shell shells pearl coral earrings necklace bracelet brooch",
    "harbour": "voucher",
}
MOTIF_OF = {word: motif for motif, words in WORDS.items() for word in words.split()}
WITHOUT_A_WORD = ("harbour", "lighthouse", "boat", "fish", "shell")
BACKDROPS = (
    '<circle class="b" cx="270" cy="140" r="92"/><path class="b" d="M0 320h400v80H0Z"/>',
    '<path class="b" d="M70 320V190a130 130 0 0 1 260 0v130Z"/><path class="b" d="M0 336h400v64H0Z"/>',
    '<path class="b" d="M0 320h400v80H0Z"/><path class="h" d="M0 344h400M0 362h400M0 380h400"/>'
    '<circle class="b" cx="130" cy="130" r="76"/>',
    '<path class="h x2" d="M200 200L40-20M200 200L120-40M200 200V-40M200 200L280-40M200 200L360-20M200 200L-20 60'
    'M200 200L-30 140M200 200L420 60M200 200L430 140M200 200L430 220M200 200L-30 220"/>'
    '<path class="b" d="M0 320h400v80H0Z"/>',
    '<circle class="b" cx="200" cy="190" r="148"/><path class="h" d="M0 340q25-20 50 0t50 0 50 0 50 0 50 0 50 0 50 0 '
    '50 0M0 368q25-20 50 0t50 0 50 0 50 0 50 0 50 0 50 0 50 0"/>',
)


def motif_of(sku: str, name: str) -> str:
    """What it is, by the last word of its name that says so; else by its SKU."""
    for text in (name, sku):
        for word in reversed(re.findall("[a-z]+", text.partition(",")[0].lower())):
            if motif := MOTIF_OF.get(word):
                return motif
    return WITHOUT_A_WORD[_chance(sku, "motif") % len(WITHOUT_A_WORD)]


def art(sku: str, name: str) -> str:
    """An SVG, to stand in a page whose style sheet has the inks."""
    motif = motif_of(sku, name)
    backdrop = BACKDROPS[_chance(sku, "backdrop") % len(BACKDROPS)]
    turned = ' transform="translate(400 0) scale(-1 1)"' if _chance(sku, "turn") % 3 == 0 else ""
    return (
        f'<svg class="art ink-{_chance(sku, "ink") % INKS}" viewBox="0 0 400 400" aria-hidden="true" focusable="false">'
        f'<rect class="a" width="400" height="400"/>{backdrop}'
        f'<ellipse class="s" cx="200" cy="324" rx="128" ry="12"/><g{turned}>{MOTIFS[motif]}</g></svg>'
    )


def _chance(sku: str, of: str) -> int:
    return int.from_bytes(blake2b(f"{of}:{sku}".encode(), digest_size=4).digest())

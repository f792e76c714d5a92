"""Pictures are of what a product is, and always the same."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from shop.storefront import art
from shop.storefront.motifs import MOTIFS

CSS = (Path(art.__file__).parent / "static" / "storefront" / "art.css").read_text()


@pytest.mark.parametrize(
    ("sku", "name", "motif"),
    [
        ("MUG-1", "Harbour mug", "mug"),
        ("TOWEL-1", "Striped tea towel", "towel"),
        ("TEA-EARL", "Earl Grey, 100 g", "tea"),
        ("85123A", "WHITE HANGING HEART T-LIGHT HOLDER", "lantern"),
        ("X-1", "Wool blanket, herringbone", "blanket"),
    ],
)
def test_a_product_is_drawn_as_what_it_is(sku: str, name: str, motif: str) -> None:
    assert art.motif_of(sku, name) == motif


def test_what_nobody_can_name_is_drawn_too_and_always_the_same() -> None:
    assert art.art("Q-7", "Thing") == art.art("Q-7", "Thing")
    assert art.motif_of("Q-7", "Thing") in art.WITHOUT_A_WORD


def test_each_word_leads_to_a_motif_that_there_is() -> None:
    assert set(art.MOTIF_OF.values()) == MOTIFS.keys()


@pytest.mark.parametrize("motif", MOTIFS)
def test_each_motif_is_an_svg_in_inks_that_there_are(motif: str) -> None:
    svg = f"<svg>{MOTIFS[motif]}</svg>"

    for part in ET.fromstring(svg).iter():
        assert set(part.get("class", "").split()) <= set("bcdehklms") | {"x1", "x2"}
        assert part.get("style") is None


def test_each_ink_is_mixed_for_day_and_night() -> None:
    assert [len(re.findall(rf"\.ink-{ink} {{", CSS)) for ink in range(art.INKS)] == [2] * art.INKS


def test_nothing_of_a_name_is_in_a_picture() -> None:
    assert "script" not in art.art("<script>", "<script>alert(1)</script>")

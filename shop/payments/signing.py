"""How a webhook is signed: HMAC-SHA256 of its time and its body (as Stripe does it, https://docs.stripe.com/webhooks)."""

import hmac
import re

HEADER = "Gateway-Signature"  # t=<seconds since 1970>,v1=<hex>
WINDOW = 300  # seconds that a signature is good for, before and after
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, at: int) -> str:
    return f"t={at},v1={_digest(secret, body, at)}"


def is_signed(secret: str, body: bytes, signature: str, now: float) -> bool:
    """Whether whoever knows ``secret`` signed it just now. Without a secret, nobody did."""
    found = SIGNATURE.fullmatch(signature)
    if not secret or not found:
        return False
    at = int(found[1])
    return hmac.compare_digest(_digest(secret, body, at), found[2]) and abs(now - at) <= WINDOW


def _digest(secret: str, body: bytes, at: int) -> str:
    return hmac.digest(secret.encode(), b"%d." % at + body, "sha256").hex()

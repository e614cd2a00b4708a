"""The challenge and the response by which a server proves that it owns a data directory."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

__all__: list[str] = []

CHALLENGE: Final = "x-batchcompute-challenge"
"""Request header with a random text in hexadecimal digits."""

PROOF: Final = "x-batchcompute-proof"
"""Response header that proves that the server knows the secret of the data directory."""

_CHALLENGE_TEXT = re.compile("[0-9a-f]{32,128}")


def is_challenge(text: str) -> bool:
    """Return whether the value of a `CHALLENGE` header is one that a server answers."""
    return _CHALLENGE_TEXT.fullmatch(text) is not None


def proof_of(identity: str, challenge: str, url: str) -> str:
    """Return the proof for a challenge: an HMAC with the secret of the data directory.

    Args:
        identity: The secret in the data directory.
        challenge: A text that was not used before.
        url: URL of the server. The proof covers it, so another server cannot relay the challenge.
    """
    text = f"{challenge}\n{url}".encode()
    return hmac.new(identity.encode("ascii"), text, hashlib.sha256).hexdigest()

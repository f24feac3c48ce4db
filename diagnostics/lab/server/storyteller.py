"""What the model `storyteller` says: three words that follow from the text and the seed, the same in every process."""

from __future__ import annotations

import hashlib
from typing import Final

_WORDS: Final = ("the", "a", "loop", "jet", "gluon", "quark", "client", "opens", "closes", "waits", "splits", "again")


def reply(prompt: str, seed: int) -> str:
    """Three words, with a blank before each."""
    drawn = hashlib.sha256(f"{seed} {prompt}".encode(errors="surrogatepass")).digest()
    return "".join(f" {_WORDS[byte % len(_WORDS)]}" for byte in drawn[:3])

"""Finds keys with the detectors of bc-detect-secrets, without its files, settings and network.

Its detectors know vendors that `model.secret_forms` does not, and its entropy measure finds keys of any form. They see
single words, and never the hashes that name packages, environments and trials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from diagnostics.model.placeholders import KINDS, PLACEHOLDER

_DETECTORS: Final = (
    "artifactory.ArtifactoryDetector",
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "cloudant.CloudantDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "softlayer.SoftlayerDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "twilio.TwilioKeyDetector",
)
_SHORTEST: Final = 20
_LIMITS: Final = {"base64": 4.5, "hex": 3.0}
"""Bits a character, as the library sets them."""

_PIECE: Final = 4096
_OVERLAP: Final = 256
"""Characters; no key that the library knows is longer."""

_LONG = re.compile(rf"(?<![A-Za-z0-9+_=-])[A-Za-z0-9+_=-]{{{_SHORTEST},}}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A commit or a SHA-256: evidence. A key of that form is known by the name in front of it."""

_HASH = re.compile(r"(?:sha\d{1,3}|md5|blake2[bs]?|digest|commit|hash)[=:@ /-]{1,2}\Z", re.IGNORECASE)
_MARK = re.compile(PLACEHOLDER)


def without_detected_keys(text: str) -> str:
    """The text without what the library considers a key."""
    if _LONG.search(text) is None:  # no key is shorter; most texts end here, and the library is not even loaded
        return text
    text = _LONG.sub(lambda match: KINDS["key"] if _is_random(match) else match.group(), text)
    for piece in dict.fromkeys(_pieces(text)):
        if len(piece) >= _SHORTEST and _LONG.search(piece):
            for found in _found(piece):
                text = text.replace(found, KINDS["key"])
    return text


def _pieces(text: str) -> Iterator[str]:
    """Lines; long ones in pieces that overlap: not every expression of the library takes a line of any length."""
    for line in text.splitlines():
        if len(line) <= _PIECE:
            yield line
        else:
            yield from (line[start : start + _PIECE] for start in range(0, len(line), _PIECE - _OVERLAP))


def _is_random(match: re.Match[str]) -> bool:
    word = match.group()
    # No word has more bits a character than the logarithm of how many different ones it has.
    if len(set(word)) <= 2 ** _LIMITS["hex"] or _HASH.search(match.string[max(0, match.start() - 12) : match.start()]):
        return False
    if _DIGEST.fullmatch(word):
        return False
    if _HEX.fullmatch(word):
        return _bits(word, "hex") > _LIMITS["hex"]
    if len(set(word)) <= 2 ** _LIMITS["base64"] or not _mixed(word):
        return False
    return _bits(word, "base64") > _LIMITS["base64"]


def _bits(word: str, alphabet: str) -> float:
    return float(_entropy()[alphabet].calculate_shannon_entropy(word))


def _mixed(word: str) -> bool:
    """A name of several words has neither digits inside them nor capitals at their ends."""
    return bool(re.search(r"[0-9]", word)) and bool(
        re.search(r"[A-Za-z][0-9]+[A-Za-z]|[a-z][A-Z]+[a-z0-9]*[0-9]", word)
    )


@lru_cache(maxsize=4096)
def _found(line: str) -> tuple[str, ...]:
    every = {found for detector in _detectors() for found in detector.analyze_string(line)}
    longest_first = sorted(every, key=lambda found: (-len(found), found))
    return tuple(found for found in longest_first if len(found) >= 8 and not _MARK.search(found))


@lru_cache(maxsize=1)
def _detectors() -> tuple[Any, ...]:
    # Loading it takes as long as loading an SDK.
    names = [each.partition(".") for each in _DETECTORS]
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, _, name in names)


@lru_cache(maxsize=1)
def _entropy() -> dict[str, Any]:
    module = import_module("detect_secrets.plugins.high_entropy_strings")
    return {"base64": module.Base64HighEntropyString(), "hex": module.HexHighEntropyString()}

"""What secrets look like: the forms of keys and tokens, and the names under which secrets are kept. Tables only.

Both zones read them: the lab before it writes anything, the sanitizer before it writes the document of a program.
"""

from __future__ import annotations

import re
from typing import Final

WORD_BEGINS: Final = r"(?<![A-Za-z0-9])"
"""How most of the forms start."""

_PREFIXED = (
    r"(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|gl[a-z]{2,8}-|hf_|api_org_|npm_|pypi-|xox[abeprs]-|xapp-|r8_|tgp_v1_"
    r"|pcsk_|lsv2_[a-z]{2}_|ls__|jina_|dop_v1_|doo_v1_|dckr_pat_|sbp_|shp[a-z]{2}_|lin_api_|ntn_|figd_|glsa_|glc_"
    r"|sntry[a-z]_|hvs\.|hvb\.|dp\.[a-z]{2}\.|PMAK-|NRAK-|HRKU-|ATATT3x|AKCp|AGE-SECRET-KEY-|sq0[a-z]{3}-)"
    r"(?=[A-Za-z_.-]*[0-9])[A-Za-z0-9_.-]{10,}"
)
_PREFIXES = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gl", "hf_", "api_org_", "npm_", "pypi-", "xox", "xapp-"),
    *(
        "r8_",
        "tgp_v1_",
        "pcsk_",
        "lsv2_",
        "ls__",
        "jina_",
        "dop_v1_",
        "doo_v1_",
        "dckr_pat_",
        "sbp_",
        "shp",
        "lin_api_",
    ),
    *("ntn_", "figd_", "glsa_", "glc_", "sntry", "hvs.", "hvb.", "dp.", "pmak-", "nrak-", "hrku-", "atatt3x", "akcp"),
    *("age-secret-key-", "sq0"),
)
KEY_FORMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # Model vendors and Stripe.
    (
        r"(?<![A-Za-z0-9])(?:sk|pk|rk|csk|gsk|sess|pplx|xai|tvly|nvapi|whsec)[-_][A-Za-z0-9_-]{8,}",
        ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "sess", "pplx", "xai", "tvly", "nvapi", "whsec"),
    ),
    # Accounts at them, and requests.
    (
        r"(?<![A-Za-z0-9])(?:org|proj|user|req)[-_](?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}",
        ("org-", "org_", "proj-", "proj_", "user-", "user_", "req-", "req_"),
    ),
    (r"AIza[A-Za-z0-9_-]{10,}", ("aiza",)),  # Google
    (r"(?<![A-Za-z0-9])(?:ya29\.|1//0|GOCSPX-)[A-Za-z0-9._-]{8,}", ("ya29.", "1//0", "gocspx-")),
    (_PREFIXED, _PREFIXES),
    (r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", ("sg.",)),  # SendGrid
    (r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}", ("akia", "asia", "abia", "acca")),
    # Twilio, Databricks, Mailgun.
    (r"(?<![A-Za-z0-9])(?:AC|SK|dapi|key-)[0-9a-f]{32}(?![0-9A-Za-z])", ("ac", "sk", "dapi", "key-")),
    (r"(?<![A-Za-z0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}", (":aa",)),  # Telegram
    # JSON web tokens.
    (r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*", ("eyj",)),
)
"""Regular expressions, each of which runs through a text once whatever is in it, and pieces in lower case, one of which
is in every text that the expression matches."""

ANY_KEY: Final = re.compile("|".join(pattern for pattern, _ in KEY_FORMS))

SECRET_NAME: Final = re.compile(
    r"key|token|secret|passw|passphrase|pwd$|_pat$|credential|(?<![a-z])auth(?!or)|cookie|private|signature|webhook|dsn$"
    r"|session_id|connection_?string",
    re.IGNORECASE,
)
"""Part of the name of a variable whose value is nobody's business."""

HARMLESS_NAME: Final = re.compile(r"(?:OLD)?PWD|SSH_AUTH_SOCK|.*_(?:PATH|FILE|DIR|HOME|SOCK)", re.IGNORECASE)
"""The whole name of a variable that `SECRET_NAME` would take, and that holds a place and no secret."""

SHORTEST_SECRET: Final = 6
"""Characters; what is shorter cannot be looked for without taking half of every text out."""


def is_secret_name(name: str) -> bool:
    """Whether the value of a variable of this name is to be hidden wherever it appears."""
    return SECRET_NAME.search(name) is not None and HARMLESS_NAME.fullmatch(name) is None

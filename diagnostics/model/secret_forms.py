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
    (r"(?<![A-Za-z0-9])(?:fw_|a[ks]-)(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}", ("fw_", "ak-", "as-")),  # Fireworks, Modal
    (r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==", ("==",)),  # Azure storage
    (r"(?<![A-Za-z0-9])[0-9a-f]{32}\.(?=[A-Za-z]*[0-9])[A-Za-z0-9]{12,}", (".",)),  # Zhipu
    # JSON web tokens.
    (r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*", ("eyj",)),
)
"""Regular expressions, each of which runs through a text once whatever is in it, and pieces in lower case, one of which
is in every text that the expression matches."""

QUOTE: Final = r"\\{0,7}[\"']"
"""A quote, however often it is escaped."""

# A name and its value are apart by `:` or `=`, or are a pair in a list of headers, as text or as bytes.
_IS = rf"(?:{QUOTE})?\]?\s*(?:[=:]|=>|,(?=\s*b?{QUOTE}))\s*b?(?:{QUOTE})?"
_NAME = (
    r"[a-z0-9_-]{0,64}?(?:api[_-]?key|access[_-]?key|secret[_-]?key|account[_-]?key|private[_-]?key|token|secret|passwd"
    r"|password|passphrase|(?<![a-z])pass|credentials?|signature|subscription[_-]?key)"
)

# Not to the end of the line: what follows may be the name of another secret.
_PAIR = r"[^\s=;,\"'\\<>]+=(?:\\{0,7}\"[^\"\r\n]*\"|[^\s;,\"'\\]+|(?=;))"
_SCHEME = r"[a-z][a-z0-9-]{2,20}[ ]+"

# Letters of both cases and digits, as no word has them, or a UUID.
_MIXED = r"(?-i:(?=[A-Za-z_+=~-]*[0-9])(?=[a-z0-9_+=~-]*[A-Z])(?=[A-Z0-9_+=~-]*[a-z])[A-Za-z0-9_+=~-]{12,})(?![\w.(\[])"
_RANDOM = rf"(?:{_MIXED}|[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}})"
_FILLED = r"(?:secret(?:str|bytes)?\(\s*)?"

SECRET_FORMS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[A-Za-z0-9+/=\s\\,:\"'-])*(?:-----END [A-Z ]*-----)?",
        ("private key-----",),
    ),
    *(("key", pattern, needs) for pattern, needs in KEY_FORMS),
    (
        "cookie",
        (
            rf"(?i:((?<![a-z0-9-])(?:set-)?cookie2?{_IS})(?!<cookie>){_PAIR}"
            rf"(?:;[ ]*(?:{_PAIR}|secure|httponly|partitioned))*"
            rf"|((?<![a-z0-9_-])[a-z_]*cookies?(?:{QUOTE})?\s*[:=]\s*(?:Cookies\(|dict\()?)"
            r"(?:\{[^{}]+\}|(?<=dict\()(?!<cookie>)[^()]+)"
            rf"|(<Cookie )(?!<cookie>)[^\s>]+)"
        ),
        ("cookie",),
    ),
    (
        "key",
        (
            rf"(?i:((?<![a-z0-9-])(?:proxy-)?authorization{_IS}(?!(?:{_SCHEME})?<key>)(?:{_SCHEME}(?=[^\s<]))?)(?!<key>)"
            r"[^\s\"'\\,<>)\]}]{3,}(?:[ ,]+[a-z]+=(?:\"[^\"\r\n]*\"|[^\s,\"']+))*)"
        ),
        ("authorization",),
    ),
    (
        "key",
        r"(?i:(\b(?:bearer|basic)\s+)(?!<key>)(?=[A-Za-z._~+/=-]*[0-9._~+/=-])[A-Za-z0-9._~+/=-]{6,})",
        ("bearer", "basic"),
    ),
    # A header, a query parameter or a field of a repr: the name stays, the value goes.
    (
        "key",
        (
            rf"(?i:((?:x-(?:goog-)?api-key|api[_-]?key|access[_-]?token|client[_-]?secret|subscription[_-]?key|password|passwd|pwd){_IS})"
            r"(?!<key>|(?:None|null|str|bytes|Optional|SecretStr)\b)[^\s\"'&,;)}\]<>\\]+)"
        ),
        ("key", "token", "secret", "passw", "pwd"),
    ),
    (
        "key",
        (
            r"(?i:([?&;](?:[a-z0-9_.-]{0,40}?(?:key|token|secret|signature|credential|password|passwd|session)"
            r"|sig|auth|code|pwd|jwt|ticket|assertion)=)"
            r"(?!<key>)[^\s\"'&,;)}\]<>\\]+)"
        ),
        (
            *("key=", "token=", "secret=", "signature=", "credential=", "password=", "passwd=", "session=", "sig="),
            *("auth=", "code=", "pwd=", "jwt=", "ticket=", "assertion="),
        ),
    ),
    # Any other name that ends like one of a secret: only before a literal, or before what no program would write bare.
    (
        "key",
        (
            rf"(?i:((?<![a-z0-9_-]){_NAME}(?:{QUOTE})?\]?\s*(?:=|:)\s*{_FILLED}b?{QUOTE})(?!<key>)[^\s\"'\\<>]{{4,}}"
            rf"|((?<![a-z0-9_-]){_NAME}\s*[=:]\s*)(?!<key>)(?=[a-z_+/.-]*[0-9])[a-z0-9_+/=.~-]{{8,}}(?![\w(\[]))"
        ),
        ("key", "token", "secret", "pass", "credential", "signature"),
    ),
    # An option with its value after a blank: only what no sentence would go on with.
    (
        "key",
        (
            r"(?i:((?<![\w-])--?[a-z0-9_-]{0,40}?(?:key|token|secret|passwd|password|passphrase|pass|pwd|credentials?|auth)"
            r"(?:(?P<is>=)| +)[\"']?)"
            r"(?!<key>)(?=[a-z_+/.-]*[0-9]|(?(is)[a-z_]*-|(?!)))[^\s\"'<>]{6,})"
        ),
        ("key", "token", "secret", "pass", "pwd", "credential", "auth"),
    ),
    # Of these, only what looks random.
    (
        "key",
        (
            r"(?i:((?<![\w-])--?[a-z0-9_-]{0,40}?(?<![a-z])(?:signature|cookie|authorization|dsn|session(?:[_-]?id)?|webhook"
            rf"|private|pat)(?:=| +)[\"']?)(?!<key>){_RANDOM})"
        ),
        ("signature", "cookie", "authorization", "dsn", "session", "webhook", "private", "pat"),
    ),
    ("key", r"(?i:((?<![\w-])--?(?:proxy-)?user(?:=|[ ]+)[\"']?)(?!<key>)[^\s:\"'<>]+:[^\s\"'<>]+)", ("-user",)),
    # The same as curl's `-u`; `docker -u 1000:1000` names no password.
    ("key", r"((?<![\w-])-u[ ]+[\"']?)(?!<key>)[^\s:\"'<>]+:(?!\d+(?!\S))[^\s\"'<>/]{6,}", ("-u ",)),
    ("key", rf"(?i:(\b(?:sshpass|mysql\w*|mariadb|login)\b[^\n|;&]{{0,80}}?\s-p ?){_RANDOM})", (" -p",)),
    # `auth=("me", "X")`, `BasicAuth("me", "X")`, `login("me", "X")`.
    (
        "key",
        (
            rf"(?i:((?:auth\s*=\s*|(?:auth|login|password)\w*)\(\s*(?:b?{QUOTE}[^\"'\\\n]{{0,80}}{QUOTE}\s*,\s*){{1,2}}b?{QUOTE})"
            r"(?!<key>)[^\s\"'\\<>]{4,})"
        ),
        ("auth", "login(", "password("),
    ),
    # The one argument of a class, of a setter or of `hmac.new`.
    (
        "key",
        rf"((?:\b[A-Z]\w*|\bset_\w+|\bhmac\.new)\(\s*b?{QUOTE})(?!_){_MIXED}(?=\\{{0,7}}[\"'])",
        ("('", '("', "(b", "(\\"),
    ),
    # A webhook: its address is the key, which its name or the name of the variable says.
    (
        "key",
        (
            rf"(?i:((?<![a-z0-9_-])[a-z0-9_-]{{0,64}}?webhook(?:_ur[il])?{_IS}https?://[^\s/\"'<>]{{1,120}}/)(?!<key>)"
            r"(?=[^\s\"'<>]{0,120}?(?<=/)(?=[a-z_-]{0,40}[0-9])(?=[0-9_-]{0,40}[a-z])[a-z0-9_-]{8})[^\s\"'<>]+)"
        ),
        ("webhook",),
    ),
    ("key", r"(?i:(https?://[^\s\"'<>]{0,120}?hook[^\s\"'<>/]*/)(?=[a-z/_.-]*[0-9])[^\s\"'<>]{8,})", ("hook",)),
    # Names that say it only of what looks random: `key="X"`, "wrong password X", `/token/X`.
    (
        "key",
        (
            r"(?i:((?<![a-z0-9])(?:token|password|passphrase|pass|passwd|pw|pin_?code|secret|key|auth|credentials?|session"
            r"|sid|jwt|ticket|bearer|csrf)"
            rf"(?:(?:{QUOTE})?\]?\s*[=:,]\s*b?(?:{QUOTE})?|/"
            rf"|(?: (?:is|was|provided|given|for user [^\s:]{{1,40}}))?:?\s+[\"'`]?)){_RANDOM})"
        ),
        (
            *("token", "pass", "pw", "pin", "secret", "key", "auth", "credential", "session", "sid", "jwt", "ticket"),
            "bearer",
            "csrf",
        ),
    ),
    # A header and a shell variable are no code, so any value is one.
    (
        "key",
        (
            r"(?i:((?<![\w-])(?:x-)[a-z0-9-]{0,40}?(?:token|key|secret|auth|signature):\s*)(?!<key>)[^\s\"',;<>\\{}]{6,})"
            r"|((?<![\w-])[A-Z0-9_]*(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|AUTH)=)(?!<key>)"
            r"(?=[A-Za-z_]*[0-9+/~-])[^\s\"'<>()\[\]{},;]{6,}(?![\w.(\[])"
        ),
        ("x-", "token=", "key=", "secret=", "password=", "passwd=", "auth="),
    ),
    (
        "key",
        rf"(?i:(<(?:[a-z0-9_.-]{{0,40}}:)?{_NAME}(?:>|\s+value={QUOTE}))(?!<key>)[^\s\"'<>]{{4,}}(?=<|{QUOTE}))",
        ("<",),
    ),
    # "Incorrect API key provided: X".
    (
        "key",
        r"(?i:(\bapi key(?: (?:provided|given|is))?: *[\"'`]?)(?!<key>)(?=[a-z_+/.-]*[0-9*])[^\s\"'`,;<>]{6,})",
        ("api key",),
    ),
    # A line of a PEM body.
    (
        "key",
        (
            r"(?<![\w+/=.-])(?=[A-Z0-9+/]{0,75}[a-z])(?=[a-z0-9+/]{0,75}[A-Z])(?=[A-Fa-f0-9]{0,75}[G-Zg-z+/])"
            r"(?=[A-Za-z+/]{0,75}[0-9])(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})(?![\w+/=.-])"
        ),
        (*"0123456789",),
    ),
)
"""Kind, expression and pieces of each form. The first group is kept: it is the name in front of a secret."""

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

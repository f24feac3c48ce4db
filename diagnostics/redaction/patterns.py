"""The patterns of secrets: one row each, a regular expression and its replacement.

The first group of a row is kept, the rest is removed. Every expression takes time linear in the length of the text:
nothing before the deciding part may repeat from a place where it could have started earlier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from diagnostics.model.secret_forms import QUOTE as _Q
from diagnostics.model.secret_forms import SECRET_FORMS


@dataclass(frozen=True)
class Form:
    """One pattern.

    Attributes:
        kind: of `KINDS`.
        pattern: group 1, where there is one, is what stays in front of the placeholder.
        needs: lower-case pieces, one of which is in every text that the pattern matches; without them it is not tried.
        after: what stays behind the placeholder.
    """

    kind: str
    pattern: str
    needs: tuple[str, ...]
    after: str = ""

    @cached_property
    def _alone(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def is_in(self, text: str, lower: str) -> bool:
        """Whether the pattern matches anywhere in a text, of which `lower` is the lower case."""
        for piece in self.needs:  # a generator for `any` would take twice as long as the rest
            if piece in lower:
                return self._alone.search(text) is not None
        return False


# A literal to its own closing quote, however often it is quoted itself; one that was cut off goes to the end.
_LITERAL = r"(?P<{0}>\\{{0,7}}(?:\"\"\"|'''|[\"']))(?:(?!(?<!\\)(?P={0})).)*(?:(?P={0})|\Z)"
_WORDS = (
    r"(?:[a-z_]*content|contents|prompts?|inputs?|[a-z]*_input|input_(?:text|value)|[a-z]*_prompt|output_text|instructions"
    r"|system|system_instruction|messages|history|text|thinking|reasoning(?:_content)?|completion|answer|question"
    r"|arguments|transcript|refusal)"
)
_CONTENT_NEEDS = (
    *("content", "prompt", "input", "output_text", "instructions", "system", "messages", "history", "text", "thinking"),
    *("reasoning", "completion", "answer", "question", "arguments", "transcript", "refusal"),
)
# A parameter of one short word, such as `text='abc'`, is no prompt.
_NO_WORD = r"(?!text=\\{0,7}(?:'\w{1,20}\\{0,7}'|\"\w{1,20}\\{0,7}\"))"
_CONTENT_IS = rf"(?:{_Q})?\s*[:=]\s*[bfru]{{0,2}}"

CONTENT: Final[tuple[Form, ...]] = (
    Form(
        "content",
        rf"(?is:(\bWrongAnswer: asked ){_LITERAL.format('asked')}, got {_LITERAL.format('got')})",
        ("wronganswer",),
        " and got another answer",
    ),
    Form(
        "content", rf"(?is:((?<![a-z0-9_]){_NO_WORD}{_WORDS}{_CONTENT_IS}){_LITERAL.format('quote')})", _CONTENT_NEEDS
    ),
    # A list of bare literals; lists of messages are made of fields that the row above takes one by one.
    Form(
        "content",
        rf"(?is:((?<![a-z0-9_]){_WORDS}{_CONTENT_IS}\[)\s*(?={_Q})"
        r"(?:\\{0,7}\"(?:[^\"\\]|\\.)*(?:\"|\Z)|\\{0,7}'(?:[^'\\]|\\.)*(?:'|\Z)|[^\"'\]])*)",
        _CONTENT_NEEDS,
    ),
)
"""Prompts and answers, as SDKs quote them in errors, reprs and logs."""

FORMS: Final[tuple[Form, ...]] = (
    *(Form(kind, pattern, needs) for kind, pattern, needs in SECRET_FORMS),
    Form("credentials", r"(?i:((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://)(?!<credentials>@)[^\s/?#\"'<>]*(?=@))", ("://",)),
    # A host of one word or below a name that only a private network has; `localhost` is everybody's.
    Form(
        "host",
        r"(?i:((?<![a-z0-9+.-])(?:https?|socks5h?|ftp|wss?|dask|tcp|ssh|git)://(?:<credentials>@)?)"
        r"(?!localhost(?![a-z0-9.-]))"
        r"(?:[a-z][a-z0-9_-]*(?![a-z0-9_.%-])|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.(?:internal|intranet|local|localdomain|lan|corp"
        r"|home|private|arpa)(?![a-z0-9.-])))",
        ("://",),
    ),
    Form("home", r"[A-Za-z]:[\\/]{1,4}Users[\\/]{1,4}[^\\/\s'\":;,<>|]+", (":\\", ":/")),
    Form("home", r"/(?:home|Users)/[^/\s'\":;,<>|()\\]+", ("/home/", "/users/")),
    Form("home", r"(?:(?<![A-Za-z0-9_.])/root(?![A-Za-z0-9_.-]))(?:/root(?![A-Za-z0-9_.-]))*", ("/root",)),
)
"""Patterns of what grants access or names a place, in the order in which they are tried at one place."""

_V6 = r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"
ADDRESSES: Final[tuple[Form, ...]] = (
    Form(
        "address",
        r"(?<![\w:-])[0-9A-Fa-f]{2}(?P<between>[:-])(?:[0-9A-Fa-f]{2}(?P=between)){4}[0-9A-Fa-f]{2}(?![\w:-])",
        (":", "-"),
    ),
    Form(
        "address",
        r"(?<![\w.])(?<![Vv]ersion[ =:])(?<!==)(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?P<port4>:\d{1,5})?"
        r"(?!\.?\d|\.(?:post|dev)\d+(?!\w)|(?:a|b|rc)\d+(?!\w))",
        (".",),
    ),
    Form("address", r"\[(?P<v6b>[0-9A-Fa-f:.]{2,45})(?:%\w+)?\](?P<port6>:\d{1,5})?", (":",)),
    Form(
        "address",
        rf"(?<![\w:.])(?P<v6>(?={_V6})[0-9A-Fa-f:]{{2,39}}(?:(?:\.\d{{1,3}}){{3}})?)(?:%\w+)?(?![\w:])",
        (":",),
    ),
)
"""What may be an address; `matching` checks each match by the name of its group."""

E_MAIL: Final = r"(?<![\w.%+-])[\w.%+-]+@{not_at}(?=[\w.-]*\.)[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{{2,}}(?![\w-])"
"""An e-mail address; of this machine's own names, `user@host` is more exact."""

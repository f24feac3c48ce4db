"""What a model is asked, and how its answer is read. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

EFFORTS: Final = ("low", "medium", "high")
"""What `reasoning_effort` may be; None leaves it out, for endpoints that do not know it."""

_BEFORE: Final = (
    "A jet from a proton-proton collision was started either by a light quark or by a gluon. "
    "Gluon jets have more constituents, are wider, and share their momentum more evenly."
)
_AFTER: Final = (
    "Which is it? Answer with one line and nothing else: the word quark or gluon, then the probability that this is a "
    "quark jet, as a number from 0 to 1."
)
_ANSWER: Final = re.compile(r"\b(quark|gluon)\b\W*([01](?:\.\d+)?|\.\d+)?(?![\d.]*\d)", re.IGNORECASE)


class UnreadableAnswer(ValueError):
    """A model answered something else than it was asked for; the message holds the beginning of it."""


@dataclass(frozen=True)
class Template:
    """A way to put a jet into words.

    Attributes:
        name: what it is chosen by.
        summary: what a model gets to see, in a sentence.
        render: the jet, from its constituents without padding: (constituents, 4), as `data` says.
    """

    name: str
    summary: str
    render: Callable[[NDArray[np.float64]], str]


def compose(template: Template, constituents: NDArray[np.float64]) -> str:
    """The whole prompt for one jet."""
    return f"{_BEFORE}\n\n{template.render(constituents)}\n\n{_AFTER}"


def request(model: str, effort: str | None, prompt: str) -> dict[str, Any]:
    """The arguments of a chat completion."""
    arguments: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    if effort is not None:
        arguments["reasoning_effort"] = effort
    return arguments


def read(answer: str | None) -> float:
    """The probability of a quark jet that an answer states; 1 or 0 where it gives the word alone.

    The last such statement counts, because models think aloud before they answer.

    Raises:
        UnreadableAnswer: it names neither, or its word and its number contradict each other.
    """
    found = list(_ANSWER.finditer(answer or ""))
    if not found:
        raise UnreadableAnswer(f"neither quark nor gluon in {_shown(answer)}")
    word, number = found[-1].groups()
    quark = word.lower() == "quark"
    if number is None:
        return float(quark)
    probability = float(number)
    if probability > 1 or (probability != 0.5 and (probability > 0.5) != quark):
        raise UnreadableAnswer(f"the word and the probability contradict each other in {_shown(answer)}")
    return probability


def _shown(answer: str | None) -> str:
    text = answer or ""
    return repr(text if len(text) <= 80 else text[:40] + " … " + text[-40:])

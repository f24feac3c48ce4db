"""How long this package waits and how much it remembers. Assign to these names to change them."""

from __future__ import annotations

SIGNAL_CHECK = 1.0
"""Seconds after which a waiting main thread looks for signals that came while it was falling asleep."""


INTERRUPT_GRACE = 5.0
"""Seconds that Ctrl-C leaves to the cleanup of the coroutine that it cancels; a second Ctrl-C does not wait."""


COLLECTION_CHECK = 0.001
"""Seconds between two looks whether a collection in another thread is over, while that holds something up."""


INNER_AT_LEAST = 100
"""Async generators inside others that a loop remembers before it looks for those that are gone."""


EXIT_GRACE = 10.0
"""Seconds that a loop has to end in when the interpreter exits."""

"""Whether a growing sequence has come to a stop string, without decoding all of it at every step."""

from collections.abc import Sequence

from interp.errors import DataError
from interp.support.arguments import several_texts
from interp.support.messages import shown
from interp.text.spans import REPLACEMENT, Decode

MARGIN = 8
"""Characters at the head of a tail that may differ there: a blank or `##` that the tokens before it decide on."""


def read_stop(stop: str | Sequence[str]) -> tuple[str, ...]:
    """Stop strings, of which one may be given bare. Raises DataError for an empty one, which ends every answer."""
    found = several_texts("stop", stop)
    if not all(found):
        raise DataError(f"stop: expected texts that are not empty, got {shown(stop)}")
    return found


class StopText:
    """One sequence's stop strings.

    A stop string that the newest token completes begins less than its own length before the text of that token. So
    only a tail is decoded: the shortest whose text before the newest token has that many characters and `MARGIN` more,
    and that begins with a whole character. Characters cut inside are not counted: the tokens to come may join many of
    them to one. What a tail shows is believed after the whole text has shown it too.
    """

    def __init__(self, decode: Decode, stop: Sequence[str]) -> None:
        self.decode, self.stop = decode, tuple(stop)
        self._needed = max(map(len, self.stop), default=0) + MARGIN
        self._start = 0

    def completed(self, ids: Sequence[int]) -> bool:
        """Whether the text of `ids` holds a stop string; to be asked after every token."""
        if not self.stop:
            return False
        tail = self.decode(ids[self._start :])
        if any(s in tail for s in self.stop) and any(s in self.decode(ids) for s in self.stop):
            return True
        for start in range(self._start + 1, len(ids)):
            tail = self.decode(ids[start:])
            if not self._enough(tail):
                break
            if not tail.startswith(REPLACEMENT):
                self._start = start
        return False

    def _enough(self, text: str) -> bool:
        return len(text) - text.count(REPLACEMENT) >= self._needed

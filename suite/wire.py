"""How running jobs tell the driver how far they are: a small actor beside it, and no files.

A worker waits until its first word has arrived, since that starts the clock of its time limit; the
others it sends and forgets. The driver asks now and then and never waits for the answer. What is
lost on the way costs a moment's display: the next word of the job replaces it.
"""

import contextlib
from typing import Any, NamedTuple

_PATIENCE_S = 10.0


class Word(NamedTuple):
    """The last that a job said.

    Attributes:
        share: how much is done, 0 to 1.
        text: what it says of it.
        node: the machine it runs on.
    """

    share: float
    text: str
    node: str


class Exchange:
    """The actor: keeps the last word of every flight until it is asked."""

    def __init__(self) -> None:
        """Start with no news."""
        self._words: dict[str, Word] = {}

    def tell(self, flight: str, word: Word) -> None:
        """Take a word."""
        self._words[flight] = word

    def news(self) -> dict[str, Word]:
        """Give the words since the last time."""
        words, self._words = self._words, {}
        return words


class Wire:
    """The driver's end.

    Attributes:
        exchange: the actor's handle, for the workers.
    """

    def __init__(self, ray: Any) -> None:
        """Start the actor on the driver's own node."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray = ray
        here = ray.get_runtime_context().get_node_id()
        self.exchange = (
            ray.remote(Exchange)
            .options(
                num_cpus=0,
                max_restarts=-1,
                scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=True),
            )
            .remote()
        )
        self._asked: Any = None

    def news(self) -> dict[str, Word]:
        """Return what has been told since the last time, as far as it has arrived."""
        if self._asked is None:
            self._asked = self.exchange.news.remote()
        done, _ = self._ray.wait([self._asked], timeout=0)
        if not done:
            return {}
        asked, self._asked = self._asked, self.exchange.news.remote()
        try:
            words: dict[str, Word] = self._ray.get(asked)
        except self._ray.exceptions.RayError:  # it is being started again
            return {}
        return words


class Teller:
    """A worker's end: told how far its job is."""

    _is_heard = False

    def __init__(self, exchange: Any, flight: str, node: str) -> None:
        """Remember whose words they are."""
        self._exchange, self._flight, self._node = exchange, flight, node

    def __call__(self, share: float, text: str) -> None:
        """Send a word; a job does not fail because nobody hears it."""
        with contextlib.suppress(Exception):
            told = self._exchange.tell.remote(self._flight, Word(share, text, self._node))
            if not self._is_heard:
                self._is_heard = True
                _wait(told)


def _wait(told: Any) -> None:
    import ray

    ray.get(told, timeout=_PATIENCE_S)

"""The time a run will take on, from what it has done so far."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite.under_way import UnderWay

_SURE_SHARE = 0.02  # below it, a job's own share says nothing of the time it takes
_SURE_S = 5.0  # of work: before it is done, waiting for the first workers decides everything


@dataclass
class _Sums:
    """What was seen of a kind of job: seconds, and what the plan had thought."""

    took_s: float = 0.0
    thought_s: float = 0.0


class Pace:
    """Learns how long jobs take.

    A job that has not run takes as long as those of its kind did, in proportion to their weights;
    where none of its kind has, as long as all others did. The work that is left, over the work done
    per second of the run, is the time left.
    """

    def __init__(self, kinds: Mapping[str, str], weights: Mapping[str, float]) -> None:
        """Take the jobs.

        Args:
            kinds: job id -> kind.
            weights: job id -> seconds it may take; only proportions count, 1 where one is missing.
        """
        self._kinds = kinds
        self._weights = weights
        self._seen: dict[str, _Sums] = {}
        self._done_s = 0.0

    def ended(self, job: str, took_s: float) -> None:
        """Note what a job took."""
        self._done_s += took_s
        _add(self._seen, self._kinds[job], took_s, self._weight(job))

    def left_s(
        self, waiting: Iterable[str], running: Sequence[UnderWay], elapsed_s: float
    ) -> float | None:
        """Reckon the seconds that are left; `None` as long as nothing tells.

        Args:
            waiting: ids of the jobs that have not started.
            running: the jobs that have, and not ended.
            elapsed_s: since the first job started.
        """
        expected_s = self._expectation(running)
        done_s = self._done_s + sum(one.running_s or 0.0 for one in running)
        if expected_s is None or done_s < _SURE_S or elapsed_s <= 0:
            return None
        rests = [_rest_s(one, expected_s(one.task.id)) for one in running]
        work_s = sum(rests) + sum(expected_s(job) for job in waiting)
        return max(work_s * elapsed_s / done_s, *rests, 0.0)

    def _expectation(self, running: Sequence[UnderWay]) -> Callable[[str], float] | None:
        """Seconds that a job may take; a job that tells its share stands for its kind too."""
        seen = {kind: _Sums(sums.took_s, sums.thought_s) for kind, sums in self._seen.items()}
        for one in running:
            if (rest_s := own_rest_s(one)) is not None:
                own_s = rest_s + (one.running_s or 0.0)
                _add(seen, one.task.kind, own_s, self._weight(one.task.id))
        if not seen:
            return None
        factors = {kind: sums.took_s / sums.thought_s for kind, sums in seen.items()}
        took_s = sum(sums.took_s for sums in seen.values())
        usual = took_s / sum(sums.thought_s for sums in seen.values())
        return lambda job: self._weight(job) * factors.get(self._kinds[job], usual)

    def _weight(self, job: str) -> float:
        return max(self._weights.get(job, 1.0), 1e-6)


def _add(seen: dict[str, _Sums], kind: str, took_s: float, thought_s: float) -> None:
    sums = seen.setdefault(kind, _Sums())
    sums.took_s += took_s
    sums.thought_s += thought_s


def own_rest_s(one: UnderWay) -> float | None:
    """Seconds that a running job takes on, by the shares it tells; `None` where it tells none."""
    told_s, told = one.first
    if one.running_s is None or one.share - told < _SURE_SHARE:
        return None
    return max(0.0, (one.running_s - told_s) * (1 - one.share) / (one.share - told))


def _rest_s(one: UnderWay, expected_s: float) -> float:
    told = own_rest_s(one)
    return max(0.0, expected_s - (one.running_s or 0.0)) if told is None else told

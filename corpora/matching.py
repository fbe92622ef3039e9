"""What every loader does about labels without a log, and logs without a label."""

from collections.abc import Set

from corpora.document import Counts
from corpora.naming import printable
from results.errors import InputError


def check_share(name: str, value: float) -> None:
    """Refuse a setting that is no share.

    Raises:
        InputError: it lies outside 0 to 1.
    """
    if not 0 <= value <= 1:
        raise InputError(f"corpus: `{name}: {value}` is a share and must lie in 0 to 1")


def match_labels(
    logs: Set[str], labels: Set[str], *, most: float, where: object, counts: Counts
) -> None:
    """Count what has no partner and refuse it above a share.

    Args:
        logs: ids of what was found in the log.
        labels: ids of what has a label.
        most: largest share without partner, of the logs and of the labels.
        where: what messages name.
        counts: receives ``logs_without_label`` and ``labels_without_log``.

    Raises:
        InputError: a share is larger.
    """
    for name, those, others in (
        ("logs_without_label", logs, labels),
        ("labels_without_log", labels, logs),
    ):
        alone = len(those - others)
        if alone > most * len(those):
            what = name.replace("_", " ")
            raise InputError(
                f"{where}: {alone} of {len(those)} {what}, as {printable(min(those - others))}; "
                f"`max_unmatched: {most}` allows no more. Take log and labels of one data set, or "
                "raise it for a sample"
            )
        if alone:
            counts[name] = counts.get(name, 0) + alone

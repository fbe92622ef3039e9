r"""The headline numbers of a run as LaTeX macros, so that the prose of a paper cannot drift.

`\input{numbers}` once, then write `accuracy \paperBertXgboostAccuracy\,\%`. A macro is named by
suite, model, classifier and measure in letters alone; its name depends on no other row, so that a
later run of the suite redefines the same names. Caveats go with the number.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from results.assessment import Assessment
from results.comparisons import Comparison
from results.entries import Entry
from results.latex_text import escape
from results.scores import p_text, reasons_of, signed, status_of
from results.statistics import holm
from results.tables import headline_entry

MARK = "logmarkmark"
"""The command that prints a number's caveat; `\\renewcommand` it to print them otherwise."""

_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_RESERVED = ("", "Best", "Baseline")
_PLAIN = r"[A-Za-z0-9._+ -]+"


@dataclass(frozen=True)
class Macro:
    """One number.

    Attributes:
        name: letters only, without the backslash.
        text: what it prints, before any escaping.
        about: what it is, in words.
        cells: names of the records behind it, `model/classifier/seed`.
        digests: of the cells' artifacts, in the same order.
        marks: caveats that are printed with it.
    """

    name: str
    text: str
    about: str
    cells: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


def macros(results: Assessment) -> dict[str, Macro]:
    """Make every macro of a run: name -> macro, the suite's own first, then entry by entry."""
    prefix = words(results.suite) or "Suite"
    prefix = prefix[:1].lower() + prefix[1:]
    best = headline_entry(results)
    bases = (e for e in results.entries if (e.model, e.classifier) == results.baseline)
    baseline = next(bases, None)
    against = _compared(results, baseline)
    found = list(_of_suite(prefix, results, best, baseline))
    named = [*zip(_stems(results.entries), results.entries, strict=True)]
    named += [(stem, one) for stem, one in (("Best", best), ("Baseline", baseline)) if one]
    for stem, entry in named:
        found += _of_entry(f"{prefix}{stem}", results, entry, against.get(entry.name))
    by_name = {macro.name: macro for macro in found}
    assert len(by_name) == len(found), "two numbers of one name"
    return by_name


def to_tex(results: Assessment) -> str:
    r"""Write `numbers.tex`, pure ASCII: one `\newcommand` a line, its source as a comment."""
    lines = [
        f"% numbers: results {results.digest}",
        f"\\providecommand{{\\{MARK}}}[1]{{\\textsuperscript{{\\normalfont #1}}}}",
    ]
    lines += [_definition(macro) for macro in macros(results).values()]
    return "\n".join(lines) + "\n"


def words(text: str) -> str:
    """Spell a name in letters: each part begins with a capital, digits are words."""
    parts = re.findall(r"[A-Za-z]+|[0-9]", text)
    return "".join(_DIGITS[int(p)] if p.isdigit() else p[:1].upper() + p[1:] for p in parts)


def _definition(macro: Macro) -> str:
    marks = f"\\{MARK}{{{escape(', '.join(macro.marks))}}}" if macro.marks else ""
    pairs = zip(macro.cells, macro.digests, strict=True)
    sources = ", ".join(f"{name} {digest[:12]}" for name, digest in pairs)
    comment = _comment(f"{macro.about}: {sources}" if sources else macro.about)
    return f"\\newcommand{{\\{macro.name}}}{{{escape(macro.text)}{marks}}} % {comment}"


def _comment(text: str) -> str:
    """Keep any text on one line of ASCII; behind a percent sign LaTeX reads none of it."""
    plain = re.sub(r"\s+", " ", text)
    return "".join(c if " " <= c <= "~" else f"<U+{ord(c):04X}>" for c in plain)


def _stems(entries: Sequence[Entry]) -> list[str]:
    """Name each entry; what letters alone do not tell apart gets six more from its hash."""
    plain = [words(entry.model) + words(entry.classifier) for entry in entries]
    often = Counter(plain)
    return [
        stem
        if often[stem] == 1 and stem not in _RESERVED and _is_plain(entry)
        else stem + _letters(f"{entry.section} {entry.name}")
        for entry, stem in zip(entries, plain, strict=True)
    ]


def _is_plain(entry: Entry) -> bool:
    return all(re.fullmatch(_PLAIN, name) for name in (entry.model, entry.classifier))


def _letters(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return "X" + "".join(chr(ord("a") + byte % 26) for byte in digest[:6])


def _of_suite(
    prefix: str, results: Assessment, best: Entry | None, baseline: Entry | None
) -> Iterator[Macro]:
    """Count what was classified, and name what stands out."""
    cells = [cell for entry in results.entries for cell in entry.cells]
    marks = results.marks
    if cells:
        train, test = cells[0].train_documents, cells[0].test_documents
        for name, count in (("", train + test), ("Train", train), ("Test", test)):
            about = f"{name.lower()} documents of one seed".strip()
            yield Macro(f"{prefix}{name}Documents", f"{count:,}", about, marks=marks)
    yield Macro(f"{prefix}Classes", str(len(results.classes)), "classes", marks=marks)
    yield Macro(f"{prefix}Seeds", str(len(results.seeds)), "seeds")
    for name, entry in (("Best", best), ("Baseline", baseline)):
        about = f"{name.lower()} entry, {_REASONS[name]}"
        text, sources = (entry.name, _sources(entry)) if entry else ("none", ((), ()))
        yield Macro(f"{prefix}{name}", text, about, *sources)


_REASONS = {
    "Best": "by cross-validation on train",
    "Baseline": "what cells are compared with",
}


def _sources(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    records = [v.record for v in entry.verdicts if v.record.cell]
    digests = (r.artifacts["cell"].digest if "cell" in r.artifacts else "" for r in records)
    return tuple(record.name for record in records), tuple(digests)


@dataclass(frozen=True)
class _Against:
    comparison: Comparison
    p_holm: float

    def told(self) -> dict[str, tuple[str, str]]:
        """Write the comparison with the baseline: suffix of the name -> text and what it is."""
        one, gain = self.comparison, "macro-F1 gain over the baseline"
        ends = f"end of the 95 % interval of the {gain}"
        test = f"{one.p_kind}, Holm over all rows: p of the accuracy against the baseline's"
        return {
            "Gain": (signed(one.gain), gain),
            "GainLow": (signed(one.gain_interval.low), f"low {ends}"),
            "GainHigh": (signed(one.gain_interval.high), f"high {ends}"),
            "P": (p_text(self.p_holm), test),
        }


def _of_entry(
    prefix: str, results: Assessment, entry: Entry, against: _Against | None
) -> list[Macro]:
    """Make the macros of one entry: scores with their doubt, and the baseline's comparison."""
    told = _scores(results, entry) | (against.told() if against else {})
    cells, digests = _sources(entry)
    return [
        Macro(f"{prefix}{suffix}", text, f"{about} of {entry.name}", cells, digests, entry.marks)
        for suffix, (text, about) in told.items()
    ]


_SCORES = (
    ("Accuracy", "accuracy", "accuracy in percent", 100, ".1f"),
    ("MacroFOne", "macro_f1", "macro-F1", 1, ".3f"),
)


def _scores(results: Assessment, entry: Entry) -> dict[str, tuple[str, str]]:
    """Write accuracy in percent and macro-F1: suffix of the name -> text and what it is."""
    if not entry.cells:
        reasons = "; ".join(reasons_of(entry))
        return {row[0]: (status_of(entry), f"{reasons}; {row[2]}") for row in _SCORES}
    found, overall = {}, results.overall(entry)
    for suffix, name, title, scale, form in _SCORES:
        score = getattr(entry, name)
        over = f", mean over {score.n} seeds," if len(entry.verdicts) > 1 else ""
        found[suffix] = (f"{scale * score.mean:{form}}", f"{title}{over}")
        if score.sd is not None:
            about = f"standard deviation over {score.n} seeds of the {title}"
            found[f"{suffix}Sd"] = (f"{scale * score.sd:{form}}", about)
        if (interval := overall[name].interval) is not None:
            for end, value in (("Low", interval.low), ("High", interval.high)):
                about = f"{end.lower()} end of the 95 % interval of the {title}"
                found[f"{suffix}{end}"] = (f"{scale * value:{form}}", about)
    return found


def _compared(results: Assessment, baseline: Entry | None) -> dict[str, _Against]:
    """Compare every entry with the baseline over all its seeds; one family."""
    if baseline is None:
        return {}
    others = [entry for entry in results.entries if entry.name != baseline.name]
    compared = {entry.name: results.compare(entry, baseline) for entry in others}
    found = {name: one for name, one in compared.items() if one is not None}
    adjusted = holm([one.p for one in found.values()])
    return {name: _Against(one, p) for (name, one), p in zip(found.items(), adjusted, strict=True)}

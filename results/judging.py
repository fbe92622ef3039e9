"""Turns the records of a run into verdicts: measured, compared with the baseline, or said why not.

The comparisons of a run are one family: their p-values are adjusted together (Holm), and as many
bootstrap draws are made as that takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from results.entries import Verdict
from results.evidence import Evidence
from results.records import Record
from results.statistics import MAX_DRAWS, Paired, bootstrap_p, draws_for, holm, mcnemar


def judge(
    evidence: Evidence, records: Sequence[Record], baseline: tuple[str, str] | None
) -> dict[str, Verdict]:
    """Judge the records of a suite and the points of its studies, by name.

    Args:
        evidence: the outcomes of all ok records.
        records: all records, in plan order.
        baseline: model and classifier that cells are compared with, seed by seed.
    """
    judged = evidence.judged()
    differing = _differing(evidence, [r for r in records if r.study is None])
    references = {r.seed: r.name for r in records if (r.model, r.classifier) == baseline and r.cell}
    verdicts = {}
    for record in records:
        verdict = Verdict(record, differs=differing.get(record.name))
        if record.cell is not None:
            found = judged[record.name]
            verdict = replace(verdict, measures=found.measures, per_class=found.per_class)
        reference = references.get(record.seed)
        reason = _unpaired(evidence, record, reference, differing)
        if reason is None and reference is not None:
            verdict = replace(verdict, paired=_paired(evidence, record.name, reference))
        verdicts[record.name] = replace(verdict, unpaired=reason)
    return verdicts | _adjusted(evidence, verdicts, references)


def _differing(evidence: Evidence, records: Sequence[Record]) -> dict[str, str]:
    """Say of each cell how it differs from the first of its seed in what it was tested on."""
    found: dict[str, str] = {}
    first: dict[int, Record] = {}
    for record in records:
        if record.cell is not None:
            norm = first.setdefault(record.seed, record)
            if what := _difference(evidence, norm, record):
                found[record.name] = f"other {what} than {norm.name}"
    return found


def _difference(evidence: Evidence, norm: Record, record: Record) -> str | None:
    ours, theirs = record.provenance, norm.provenance
    if ours.corpus_digest != theirs.corpus_digest:
        return "corpus"
    if ours.split_hash != theirs.split_hash:
        return "split"
    documents = [evidence.outcomes[one.name].documents for one in (norm, record)]
    return "test documents" if documents[0].ids_key != documents[1].ids_key else None


def _unpaired(
    evidence: Evidence, record: Record, reference: str | None, differing: Mapping[str, str]
) -> str | None:
    """Say why a record is not compared with the baseline; `None` where it is."""
    if record.study is not None:
        return "a point of a study"
    if record.cell is None:
        return f"the cell is {record.status}"
    if reference is None:
        return "no baseline with this seed"
    if reference == record.name:
        return "the baseline itself"
    ours, base = (evidence.outcomes[name].documents for name in (record.name, reference))
    if ours.ids_key != base.ids_key:
        return "other test documents than the baseline's"
    if ours.key != base.key:
        return "other classes or labels than the baseline's"
    if reference in differing:
        return f"the baseline has {differing[reference]}"
    return differing.get(record.name)


def _paired(evidence: Evidence, name: str, reference: str) -> Paired:
    found = evidence.compare([(name, reference)])
    return Paired(
        only_baseline=found.only_second,
        only_cell=found.only_first,
        p=mcnemar(found.only_second, found.only_first),
        gain=found.gain,
        gain_interval=found.gain_interval,
        accuracy_gain=found.accuracy_gain,
        accuracy_interval=found.accuracy_interval,
    )


def _adjusted(
    evidence: Evidence, verdicts: Mapping[str, Verdict], references: Mapping[int, str]
) -> dict[str, Verdict]:
    """Adjust the p-values of the family, and add those of the gains where draws suffice."""
    family = {name: verdict for name, verdict in verdicts.items() if verdict.paired}
    ps = holm([verdict.paired.p for verdict in family.values() if verdict.paired])
    draws = draws_for(len(family))
    if draws > MAX_DRAWS:
        reason = (
            f"unresolvable: a family of {len(family):,} needs {draws:,} draws, "
            f"at most {MAX_DRAWS:,} are made"
        )
        return {
            name: replace(verdict, p_holm=p, unresolvable=reason)
            for (name, verdict), p in zip(family.items(), ps, strict=True)
        }
    gains = _gain_ps(evidence, family, references, draws)
    adjusted = holm(list(gains.values()))
    return {
        name: replace(
            verdict,
            paired=replace(verdict.paired, gain_p=gains[name]) if verdict.paired else None,
            p_holm=p,
            gain_p_holm=gain_p,
        )
        for (name, verdict), p, gain_p in zip(family.items(), ps, adjusted, strict=True)
    }


def _gain_ps(
    evidence: Evidence, family: Mapping[str, Verdict], references: Mapping[int, str], draws: int
) -> dict[str, float]:
    """Return the bootstrap p of each gain; the draws are those of the intervals, and more."""
    bases = {name: references[verdict.record.seed] for name, verdict in family.items()}
    drawn = evidence.macro_f1([*bases, *bases.values()], draws)
    gains = {name: drawn[name].minus(drawn[base]) for name, base in bases.items()}
    return {name: bootstrap_p(gain.value, gain.draws) for name, gain in gains.items()}

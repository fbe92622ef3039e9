"""Whether the classifiers of a matrix agree on which model is better, as a table."""

from results.agreement import Agreement
from results.assessment import Assessment
from results.grid import DASH, Block, Column, Row, Table, Value, number, shown
from results.scores import p_text, rounded, signed
from results.tables import full_title_of


def table(results: Assessment) -> Table:
    """Show Kendall's tau of every two classifiers."""
    rows = tuple(_row(one) for one in results.agreement())
    return Table(
        name="agreement",
        caption="Whether classifiers agree on which model is better: Kendall's tau-b of their "
        f"rankings of the models of {results.suite} by macro-F1 (mean over seeds); 1 is the same "
        "order, -1 the reverse. p: of no association, not corrected.",
        columns=(
            Column("Classifier", ("first",), number=False),
            Column("and", ("second",), number=False),
            Column("Models", ("models",)),
            Column("tau", ("tau",)),
            Column("p", ("p", "reason")),
        ),
        blocks=(Block("", rows),) if rows else (),
        marks=results.marks,
        labels=2,
    )


def _row(one: Agreement) -> Row:
    names = (_named(one.first), _named(one.second), number(one.models, "d"))
    if one.tau is None or one.p is None:
        return Row((*names, shown(DASH, None, notes=[one.reason]), shown(DASH, None, one.reason)))
    tau = shown(signed(one.tau, "+.2f"), rounded(one.tau))
    return Row((*names, tau, shown(p_text(one.p), rounded(one.p), None)))


def _named(classifier: str) -> Value:
    return shown(full_title_of(classifier), classifier)

"""Which tables a report has, and which file each one stands in: the one list of them.

A new table is one line here. Every file has a LaTeX form, and a CSV where the table has fields for
one; Markdown gathers all tables in two files, those that tell times apart from the others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from results import (
    agreement_tables,
    anomalies,
    breakdowns,
    cell_tables,
    compression,
    costs,
    factor_tables,
    latex,
    networks,
    plain,
    published,
    published_tables,
    significance,
    studies,
    tables,
)
from results.assessment import Assessment
from results.grid import Table

if TYPE_CHECKING:
    from results.run import Run


@dataclass(frozen=True)
class TableFile:
    """Tables that stand in one file.

    Attributes:
        name: of the files, without a suffix.
        tables: as they are read, in LaTeX, in Markdown and on the page.
        rows: what the CSV holds; `None` where there is none.
        always: written even where there is nothing to show.
        is_read_only: on the page and in Markdown alone.
        tells_times: the same results may give other numbers on another day.
    """

    name: str
    tables: list[Table]
    rows: Table | None = None
    always: bool = False
    is_read_only: bool = False
    tells_times: bool = False

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to show."""
        return any(table.rows for table in self.tables)


@dataclass(frozen=True)
class Tables:
    """Every table of a report, in the order in which they are read."""

    files: tuple[TableFile, ...]

    @property
    def shown(self) -> list[Table]:
        """What a page shows."""
        return [table for one in self.files for table in one.tables]

    @property
    def printed(self) -> list[TableFile]:
        """What has files of its own."""
        return [one for one in self.files if (one.always or one.has_rows) and not one.is_read_only]

    def csv(self) -> dict[str, str]:
        """Write each CSV: file name -> content."""
        return {f"{one.name}.csv": plain.to_csv(one.rows) for one in self.printed if one.rows}

    def latex(self, digest: str) -> dict[str, str]:
        """Write each LaTeX file: file name -> content."""
        return {
            f"{one.name}.tex": "".join(latex.render(table, digest=digest) for table in one.tables)
            or f"% {one.name}: nothing to show\n"
            for one in self.printed
        }

    def markdown(self, title: str, *, times: bool) -> str:
        """Write the tables that tell times, or the others, below a title."""
        found = [
            plain.to_markdown(table)
            for one in self.files
            for table in one.tables
            if one.tells_times == times and table.rows
        ]
        return "\n".join([title, *found])


def _one(table: Table, *, is_read_only: bool = False, tells_times: bool = False) -> TableFile:
    """Give a table that only some runs have a file of its own."""
    return TableFile(table.name, [table], table, is_read_only=is_read_only, tells_times=tells_times)


def make_tables(run: "Run", results: Assessment) -> Tables:
    """Build every table of a report."""
    resolved = run.meta.get("resolved") or {}
    table1 = networks.table_one(results, published.networks(resolved))
    theirs = published_tables.table_two(results, published.embedded(resolved))
    quality, costly = cell_tables.cells(results), costs.costs(results)
    found_anomalies = anomalies.detection(run, results)
    return Tables(
        (
            TableFile("table2", [tables.quality(results)], always=True),
            TableFile("table2-published", [theirs], theirs),
            TableFile("quality", [quality, cell_tables.further(results)], quality, always=True),
            TableFile("table1", table1, table1[0], always=True),
            TableFile(
                "significance", [significance.matrix(results)], significance.pairs(results)
            ),
            _one(factor_tables.table(results)),
            _one(agreement_tables.table(results)),
            TableFile(
                "classes", [breakdowns.classes(results)], breakdowns.class_rows(results),
                always=True,
            ),
            TableFile(
                "detection",
                [found_anomalies, *anomalies.study_detection(run, results)],
                found_anomalies,
            ),
            _one(compression.quality(run, results)),
            TableFile(
                "studies", [studies.table(results, study) for study in results.studies],
                studies.long_form(results), always=True,
            ),
            _one(networks.coverage(run, results), is_read_only=True),
            _one(breakdowns.duplicates(breakdowns.splits(run)), is_read_only=True),
            TableFile(
                "costs", [costly], costs.costs(results, studies=True), always=True,
                tells_times=True,
            ),
            *(
                _one(table(run, results), tells_times=True)
                for table in (compression.training, compression.sizes, compression.edge)
            ),
        )
    )  # fmt: skip

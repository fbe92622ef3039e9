"""The jobs of a reference's rows: the network, and the character embeddings it may start from."""

from collections.abc import Iterator

from classifiers.registry import CHAR_LM, REFERENCES
from results.registry import build
from suite.node import Node, shareable
from suite.planning import Planning
from suite.row_sections import CharLm, Reference
from suite.site import Site
from suite.where import within


class ReferenceRows:
    """Plans the rows of references."""

    def __init__(self, planning: Planning) -> None:
        """Plan within one planning of a suite."""
        self.planning = planning

    def nodes(self, reference: Reference, site: Site) -> Iterator[Node]:
        """Yield the jobs of a reference at a site.

        Raises:
            InputError: an unknown setting.
        """
        with within(f"references: {reference.name!r}"):
            network = build("reference", reference.kind, REFERENCES, reference.settings)
        roles = yield from self.planning.roles(site, "cleaned")
        shown = site.shown(reference.name)
        if reference.char_lm is not None:
            roles["char_lm"] = yield from self.planning.once(
                self._char_lm(f"char_lm:{shown}/{site.seed}", reference.char_lm, roles, site.seed)
            )
        yield Node(
            id=f"reference:{shown}/{site.seed}",
            kind="reference",
            params={
                "reference": reference.kind,
                "settings": shareable(network),
                "view": self.planning.view("cleaned"),
                "seed": site.seed,
                **self.planning.network(),
            },
            needs=roles,
            cpus=self.planning.suite.compute.threads,
            cell=site.cell(
                "reference",
                model="reference",
                classifier=reference.name,
                text="cleaned",
                marks=self.planning.marks,
                roles=roles,
            ),
        )

    def _char_lm(self, name: str, section: CharLm, roles: dict[str, str], seed: int) -> Node:
        with within("references"):
            settings = build("char_lm", "char_lm", CHAR_LM, section.settings)
        return Node(
            id=name,
            kind="char_lm",
            params={
                "settings": shareable(settings),
                "view": self.planning.view("cleaned"),
                "seed": seed,
                **self.planning.network(),
            },
            needs={name: roles[name] for name in ("corpus", "split")},
            cpus=self.planning.suite.compute.threads,
        )

"""From a suite to its jobs: a graph of nodes in an order in which they can run.

Embeddings depend on the corpus alone, so a new seed, split or label column embeds nothing again
(DESIGN §3). The points of studies are made by what makes the rows, and share what does not differ.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from adapters import registry
from adapters.family import Family
from adapters.registry import OBJECTIVES
from classifiers.registry import CHAR_LM, CLASSIFIERS, FINETUNE, REFERENCES
from embedders.batching import BUDGETS
from results.errors import InputError
from results.hashing import hash_json
from results.registry import build
from suite.hardware import Target, resolve
from suite.node import CellPlan, Node, all_settings, local_places, shareable
from suite.plan_corpus import corpus_node, identify, labels_node, split_node, split_seed
from suite.rows import FINETUNED, Column, columns, is_trivial, trivial_models
from suite.sections import CharLm, Model, Reference
from suite.spec import Suite
from suite.studies import Point, points

CV_FOLDS = 5


def make_plan(
    suite: Suite,
    hash_file: Callable[[Path], str],
    *,
    weights: Literal["needed", "optional"] = "needed",
) -> list[Node]:
    """List the suite's jobs, every node after the nodes it needs.

    Args:
        suite: a checked suite.
        hash_file: hashes one file, usually `results.hashing.HashCache.hash`.
        weights: "optional" plans models too whose weights are not at hand; see `Node.unknown`.

    Raises:
        InputError: a missing file, an unknown setting, weights that cannot be identified.
    """
    return list(_Planner(suite, hash_file, weights_needed=weights == "needed").nodes())


@dataclass(frozen=True, kw_only=True)
class _Weights:
    """What a job needs to know of its model."""

    adapter: Any
    params: dict[str, Any]
    local: dict[str, str]
    unknown: str | None


@dataclass(frozen=True, kw_only=True)
class _Site:
    """Where a row is computed: with which seed, at which point of a study, if any."""

    seed: int
    point: Point | None = None

    @property
    def train_share(self) -> float:
        return 1.0 if self.point is None else self.point.train_share

    def shown(self, name: str) -> str:
        """Name a cell here."""
        return name if self.point is None else self.point.label(name)

    def of_model(self, name: str) -> str:
        """Name what is made of a model here, whatever reads it."""
        return name if self.point is None else self.point.label(name, ("model", "split"))

    def cell(self, section: Literal["matrix", "reference", "trivial"], **plan: Any) -> CellPlan:
        """Plan a cell here; `classifier` is what its row calls it."""
        point = self.point
        return CellPlan(
            **{**plan, "classifier": self.shown(plan["classifier"])},
            section=section if point is None else "study",
            seed=self.seed,
            study=None if point is None else point.study,
        )


class _Planner:
    def __init__(
        self, suite: Suite, hash_file: Callable[[Path], str], *, weights_needed: bool
    ) -> None:
        self.suite = suite
        self.hash_file = hash_file
        self.weights_needed = weights_needed
        compute = suite.compute
        self.target: Target = resolve(compute.device, compute.precision, compute.attention)
        self.marks = ("synthetic data",) if suite.corpus.loader == "tm500" else ()
        self._shared: dict[str, str] = {}  # what is made from what -> the node that makes it

    def nodes(self) -> Iterator[Node]:
        """Yield the data jobs, then each model's, then the references', then the studies'."""
        source = identify(self.suite, self.hash_file)
        yield corpus_node(self.suite, source)
        yield labels_node(self.suite, source)
        sites = [_Site(seed=seed) for seed in self.suite.seeds]
        for site in sites:
            yield from self._once(split_node(self.suite, site.seed, site.train_share))
        for model in (*trivial_models(), *self.suite.models):
            yield from self._model(model, sites)
        for site in sites:
            for reference in self.suite.references:
                yield from self._reference(reference, site)
        yield from self._studies()

    def _studies(self) -> Iterator[Node]:
        """Yield what the studies need beside the rows; equal points are equal nodes."""
        for study in self.suite.studies:
            seeds = self.suite.seeds if study.seeds is None else study.seeds
            for point in points(self.suite, study):
                shown = f"{study.name} {point.study.row}"
                try:
                    nodes = list(self._point(point, [_Site(seed=x, point=point) for x in seeds]))
                except InputError as error:
                    raise InputError(f"studies: {point.label(point.study.row)}: {error}") from error
                yield from (replace(node, study=shown) for node in nodes)

    def _point(self, point: Point, sites: list[_Site]) -> Iterator[Node]:
        row = point.row
        if row.model is not None:
            yield from self._model(row.model, sites, row.column)
        for site in sites:
            if row.reference is not None:
                yield from self._reference(row.reference, site)

    def _once(self, node: Node) -> Generator[Node, None, str]:
        """Yield a node, unless one like it was yielded; returns the id of the one there is."""
        key = hash_json([node.kind, node.params, dict(node.needs)])
        if key not in self._shared:
            self._shared[key] = node.id
            yield node
        return self._shared[key]

    def _view(self, text: str) -> dict[str, Any]:
        return {"text": text, "drop_numbers": self.suite.corpus.clean.drop_numbers}

    def _network(self) -> dict[str, Any]:
        """The parameters that change a network's bytes from machine to machine."""
        return {
            "device": self.target.device,
            "precision": self.target.precision,
            "threads": self.suite.compute.threads,
        }

    def _weights(self, model: Model) -> _Weights:
        """Identify a model by its code, its settings and its weights."""
        adapter = registry.make(model.adapter, model.settings)
        code = registry.code_of(model.adapter, hasher=self.hash_file)
        identity, unknown = self._identity(adapter)
        local = local_places(all_settings(adapter))
        return _Weights(
            adapter=adapter,
            params={
                "adapter": registry.family_of(model.adapter),
                "settings": shareable(adapter),
                "identity": identity,
                "code": code,
            },
            local={**local, "adapter": model.adapter} if code else local,
            unknown=unknown,
        )

    def _identity(self, adapter: Any) -> tuple[dict[str, Any], str | None]:
        try:
            return adapter.identity(hasher=self.hash_file), None
        except InputError as error:
            if self.weights_needed:
                raise
            return {"unknown": repr(adapter)}, str(error)

    def _model(
        self, model: Model, sites: list[_Site], column: Column | None = None
    ) -> Iterator[Node]:
        """Yield a model's jobs; its cells in one column, or in all."""
        weights = self._weights(model)
        if weights.adapter.fitted and (model.adapt or model.finetune):
            raise InputError(f"models: {model.name!r}: {model.adapter} has no weights to train")
        chosen = [column] if column else list(columns(model, self.suite.classifiers))
        for site in sites:
            roles = yield from self._roles(site)
            if model.adapt:
                roles["adapted"] = yield from self._once(self._adapt(model, weights, roles, site))
            if model.finetune:
                yield self._finetune(model, weights, roles, site)
                continue
            roles["vectors"] = yield from self._once(self._embed(model, weights, roles, site))
            for item in chosen:
                yield self._cell(model, item, roles, site)

    def _roles(self, site: _Site) -> Generator[Node, None, dict[str, str]]:
        """Yield the site's split, if it is new; returns the artifacts that every row reads."""
        split = yield from self._once(split_node(self.suite, site.seed, site.train_share))
        return {"corpus": "corpus", "labels": "labels", "split": split}

    def _adapt(self, model: Model, weights: _Weights, roles: dict[str, str], site: _Site) -> Node:
        assert model.adapt is not None
        name = model.adapt.objective or _default_objective(weights.adapter)
        objective = build(
            "objective", name, OBJECTIVES, {**model.adapt.settings, "seed": site.seed}
        )
        needs = {"corpus": roles["corpus"]}
        if model.adapt_on == "train":
            needs["split"] = roles["split"]
        return Node(
            id=f"adapt:{site.of_model(model.name)}/{site.seed}",
            kind="adapt",
            params={
                **weights.params,
                **self._network(),
                "workers": self.suite.compute.workers,
                "view": self._view(model.view),
                "objective": name,
                "objective_settings": shareable(objective),
            },
            needs=needs,
            local=weights.local,
            cpus=self.suite.compute.threads,
            workers=self.suite.compute.workers,
            unknown=weights.unknown,
        )

    def _embed(self, model: Model, weights: _Weights, roles: dict[str, str], site: _Site) -> Node:
        fitted = weights.adapter.fitted
        params = {**weights.params, "view": self._view(model.view)}
        needs = {"corpus": roles["corpus"]}
        name = f"embed:{site.of_model(model.name)}"
        if fitted:
            needs["split"] = roles["split"]
            name = f"{name}/{split_seed(self.suite, site.seed)}"
        else:
            params |= self._network() | self._windows(model, weights)
        if "adapted" in roles:
            needs["adapted"] = roles["adapted"]
            name = f"{name}/{site.seed}"
        return Node(
            id=name,
            kind="embed",
            params=params,
            needs=needs,
            local=weights.local,
            cpus=1 if fitted else self.suite.compute.threads,
            embed_workers=1 if fitted else _or(self.suite.compute.embed_workers, 0),
            unknown=weights.unknown,
        )

    def _windows(self, model: Model, weights: _Weights) -> dict[str, Any]:
        """How a model's windows are cut, batched and checked."""
        compute = self.suite.compute
        return {
            "attention": self.target.attention,
            "overlap": model.overlap,
            "batch_tokens": _or(compute.batch_tokens, BUDGETS[self.target.device]),
            "padding": compute.padding,
            "shard_tokens": compute.shard_tokens,
            "precision_check": model.precision_check,
            "exact": self._exact(weights) if model.precision_check else None,
        }

    def _exact(self, weights: _Weights) -> dict[str, Any]:
        """What a model's vectors are compared with: of 4 bits bf16, else fp32."""
        settings = weights.params["settings"]
        if settings.get("quantize"):
            return {"precision": "bf16", "settings": {**settings, "quantize": None}}
        return {"precision": "fp32"}

    def _finetune(
        self, model: Model, weights: _Weights, roles: dict[str, str], site: _Site
    ) -> Node:
        assert model.finetune is not None
        settings = build("finetune", "finetune", FINETUNE, model.finetune.settings)
        return Node(
            id=f"finetune:{site.shown(model.name)}/{site.seed}",
            kind="finetune",
            params={
                **weights.params,
                **self._network(),
                "attention": self.target.attention,
                "view": self._view(model.view),
                "finetune": shareable(settings),
                "seed": site.seed,
            },
            needs=dict(roles),
            local=weights.local,
            cpus=self.suite.compute.threads,
            cell=site.cell(
                "matrix",
                model=model.name,
                classifier=FINETUNED,
                text=model.view,
                marks=self._marks(model),
                roles=dict(roles),
            ),
            unknown=weights.unknown,
        )

    def _marks(self, model: Model) -> tuple[str, ...]:
        transductive = model.adapt is not None and model.adapt_on == "all"
        return (*self.marks, *(("transductive adaptation",) if transductive else ()))

    def _cell(self, model: Model, column: Column, roles: dict[str, str], site: _Site) -> Node:
        trivial, classifier = is_trivial(model), column.classifier
        recipe = build("classifier", classifier.name, CLASSIFIERS, classifier.settings)
        is_tuned = column.variant == "tuned"
        return Node(
            id=f"classify:{model.name}/{site.shown(column.shown)}/{site.seed}",
            kind="classify",
            params={
                "classifier": classifier.name,
                "settings": shareable(recipe),
                "tune": is_tuned,
                "folds": CV_FOLDS if trivial or is_tuned else 0,
                "seed": site.seed,
            },
            needs={name: roles[name] for name in ("vectors", "labels", "split")},
            cell=site.cell(
                "trivial" if trivial else "matrix",
                model=model.name,
                classifier=column.shown,
                text=model.view,
                marks=self._marks(model),
                roles=dict(roles),
            ),
        )

    def _reference(self, reference: Reference, site: _Site) -> Iterator[Node]:
        network = build("reference", reference.kind, REFERENCES, reference.settings)
        roles = yield from self._roles(site)
        shown = site.shown(reference.name)
        if reference.char_lm is not None:
            roles["char_lm"] = yield from self._once(
                self._char_lm(f"char_lm:{shown}/{site.seed}", reference.char_lm, roles, site.seed)
            )
        yield Node(
            id=f"reference:{shown}/{site.seed}",
            kind="reference",
            params={
                "reference": reference.kind,
                "settings": shareable(network),
                "view": self._view("cleaned"),
                "seed": site.seed,
                **self._network(),
            },
            needs=roles,
            cpus=self.suite.compute.threads,
            cell=site.cell(
                "reference",
                model="reference",
                classifier=reference.name,
                text="cleaned",
                marks=self.marks,
                roles=roles,
            ),
        )

    def _char_lm(self, name: str, section: CharLm, roles: dict[str, str], seed: int) -> Node:
        settings = build("char_lm", "char_lm", CHAR_LM, section.settings)
        return Node(
            id=name,
            kind="char_lm",
            params={
                "settings": shareable(settings),
                "view": self._view("cleaned"),
                "seed": seed,
                **self._network(),
            },
            needs={name: roles[name] for name in ("corpus", "split")},
            cpus=self.suite.compute.threads,
        )


def _or(value: int | Literal["auto"], otherwise: int) -> int:
    return otherwise if value == "auto" else value


def _default_objective(adapter: Any) -> str:
    """The family's objective; masked language modelling for an adapter of no family."""
    family: Family = getattr(adapter, "family", Family())
    return family.objective

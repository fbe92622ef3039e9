"""From a suite to its jobs: a graph of nodes in an order in which they can run.

A node's parameters hold everything that decides its bytes; where data and checkpoints lie on this
machine stands beside them in `local` and enters no key. Embeddings depend on the corpus alone, so a
new seed, split or label column embeds nothing again (DESIGN §3).
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adapters import registry
from adapters.family import Family
from adapters.registry import OBJECTIVES
from classifiers.registry import CLASSIFIERS, FINETUNE, REFERENCES
from corpora.registry import LOADERS
from embedders.batching import BUDGETS
from results.errors import InputError
from results.hashing import hash_json, hash_tree
from results.registry import build
from suite.hardware import Target, resolve
from suite.spec import Classifier, Model, Suite

CV_FOLDS = 5
_LOCAL_KEYS = ("path", "checkpoint", "revision")


@dataclass(frozen=True, kw_only=True)
class CellPlan:
    """What a node's artifact will be called in the results.

    Attributes:
        roles: role in the record (`corpus`, `split`, ...) -> id of the node that makes it.
    """

    section: Literal["matrix", "reference", "trivial"]
    model: str
    classifier: str
    seed: int
    text: str
    marks: tuple[str, ...]
    roles: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One job of the plan.

    Attributes:
        id: unique in the plan, `kind:what/seed`.
        needs: input name -> id of the node that provides it.
        cpus: CPU threads it is granted.
        workers: processes that share the job.
        embed_workers: processes that may share the pieces of an embedding; 0 for as many as the
            cluster has room for.
        cell: set where the artifact is a cell of the results.
        unknown: why the model's weights could not be identified; such a job can only be planned.
    """

    id: str
    kind: str
    params: dict[str, Any]
    needs: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    cpus: int = 1
    workers: int = 1
    embed_workers: int = 1
    cell: CellPlan | None = None
    unknown: str | None = None


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
        self._embeds: dict[str, str] = {}  # what is embedded how -> the node that does it

    def nodes(self) -> Iterator[Node]:
        """Yield the data jobs, then each model's, then the references'."""
        source = self._source()
        yield self._corpus(source)
        yield self._labels(source)
        splits = {self._split_id(seed): self._split(seed) for seed in self.suite.seeds}
        yield from splits.values()
        for model in _trivial_models():
            yield from self._model(model)
        for model in self.suite.models:
            yield from self._model(model)
        for seed in self.suite.seeds:
            for reference in self.suite.references:
                yield self._reference(reference.name, reference.kind, reference.settings, seed)

    def _source(self) -> dict[str, Any]:
        """Identify the loader, its settings and the bytes it will read."""
        corpus = self.suite.corpus
        loader = build("loader", corpus.loader, LOADERS, corpus.settings)
        path = corpus.settings.get("path")
        root = Path(path) if path else Path()
        named = [(_name_in(root, file), self.hash_file(file)) for file in loader.files()]
        return {
            "loader": corpus.loader,
            "settings": _shareable(loader),
            "source": hash_tree(named),
            "where": corpus.where,
        }

    def _local_source(self) -> dict[str, str]:
        return _local(self.suite.corpus.settings)

    def _corpus(self, source: dict[str, Any]) -> Node:
        corpus = self.suite.corpus
        params = {
            **source,
            "clean": corpus.clean.model_dump(exclude={"drop_numbers"}),
            "group": corpus.group,
        }
        return Node(id="corpus", kind="corpus", params=params, local=self._local_source())

    def _labels(self, source: dict[str, Any]) -> Node:
        corpus = self.suite.corpus
        params = {
            **source,
            "label": corpus.label,
            "group": corpus.group,
            "time": corpus.time,
            "split_column": corpus.split_column,
            "relabel": corpus.relabel.model_dump(),
        }
        needs = {"corpus": "corpus"}
        return Node(
            id="labels", kind="labels", params=params, needs=needs, local=self._local_source()
        )

    def _split_seed(self, seed: int) -> int:
        return seed if self.suite.split.seed is None else self.suite.split.seed

    def _split_id(self, seed: int) -> str:
        return f"split/{self._split_seed(seed)}"

    def _split(self, seed: int) -> Node:
        split = self.suite.split
        params = {
            "by": _split_rule(self.suite),
            "test_share": split.test_share,
            "seed": self._split_seed(seed),
            "leaks": split.leaks,
        }
        needs = {"corpus": "corpus", "labels": "labels"}
        return Node(id=self._split_id(seed), kind="split", params=params, needs=needs)

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
        local = _local(_all_settings(adapter))
        return _Weights(
            adapter=adapter,
            params={
                "adapter": registry.family_of(model.adapter),
                "settings": _shareable(adapter),
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

    def _model(self, model: Model) -> Iterator[Node]:
        weights = self._weights(model)
        if weights.adapter.fitted and (model.adapt or model.finetune):
            raise InputError(f"models: {model.name!r}: {model.adapter} has no weights to train")
        made: set[str] = set()
        for seed in self.suite.seeds:
            roles = self._roles(seed)
            if model.adapt:
                adapt = self._adapt(model, weights, seed)
                roles["adapted"] = adapt.id
                yield adapt
            if model.finetune:
                yield self._finetune(model, weights, roles, seed)
                continue
            embed = self._embed(model, weights, roles)
            known = self._embeds.setdefault(hash_json([embed.params, dict(embed.needs)]), embed.id)
            roles["vectors"] = known
            if known == embed.id and embed.id not in made:
                made.add(embed.id)
                yield embed
            yield from self._cells(model, roles, seed)

    def _roles(self, seed: int) -> dict[str, str]:
        return {"corpus": "corpus", "labels": "labels", "split": self._split_id(seed)}

    def _adapt(self, model: Model, weights: _Weights, seed: int) -> Node:
        assert model.adapt is not None
        name = model.adapt.objective or _default_objective(weights.adapter)
        objective = build("objective", name, OBJECTIVES, {**model.adapt.settings, "seed": seed})
        needs = {"corpus": "corpus"}
        if model.adapt_on == "train":
            needs["split"] = self._split_id(seed)
        return Node(
            id=f"adapt:{model.name}/{seed}",
            kind="adapt",
            params={
                **weights.params,
                **self._network(),
                "workers": self.suite.compute.workers,
                "view": self._view(model.view),
                "objective": name,
                "objective_settings": _shareable(objective),
            },
            needs=needs,
            local=weights.local,
            cpus=self.suite.compute.threads,
            workers=self.suite.compute.workers,
            unknown=weights.unknown,
        )

    def _embed(self, model: Model, weights: _Weights, roles: dict[str, str]) -> Node:
        fitted = weights.adapter.fitted
        params = {**weights.params, "view": self._view(model.view)}
        needs = {"corpus": roles["corpus"]}
        name = f"embed:{model.name}"
        if fitted:
            needs["split"] = roles["split"]
            name = f"{name}/{roles['split'].removeprefix('split/')}"
        else:
            params |= self._network() | self._windows(model, weights)
        if "adapted" in roles:
            needs["adapted"] = roles["adapted"]
            name = f"{name}/{roles['adapted'].rpartition('/')[2]}"
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

    def _finetune(self, model: Model, weights: _Weights, roles: dict[str, str], seed: int) -> Node:
        assert model.finetune is not None
        settings = build("finetune", "finetune", FINETUNE, model.finetune.settings)
        return Node(
            id=f"finetune:{model.name}/{seed}",
            kind="finetune",
            params={
                **weights.params,
                **self._network(),
                "attention": self.target.attention,
                "view": self._view(model.view),
                "finetune": _shareable(settings),
                "seed": seed,
            },
            needs=dict(roles),
            local=weights.local,
            cpus=self.suite.compute.threads,
            cell=CellPlan(
                section="matrix",
                model=model.name,
                classifier="finetuned",
                seed=seed,
                text=model.view,
                marks=self._marks(model),
                roles=dict(roles),
            ),
            unknown=weights.unknown,
        )

    def _marks(self, model: Model) -> tuple[str, ...]:
        transductive = model.adapt is not None and model.adapt_on == "all"
        return (*self.marks, *(("transductive adaptation",) if transductive else ()))

    def _cells(self, model: Model, roles: dict[str, str], seed: int) -> Iterator[Node]:
        trivial = _TRIVIAL.get(model.name)
        rows = [(item, variant) for item in self.suite.classifiers for variant in item.variants]
        if trivial is not None:
            rows = [(trivial, "default")]
        for classifier, variant in rows:
            recipe = build("classifier", classifier.name, CLASSIFIERS, classifier.settings)
            shown = classifier.name if variant == "default" else f"{classifier.name}-tuned"
            cell = CellPlan(
                section="trivial" if trivial else "matrix",
                model=model.name,
                classifier=shown,
                seed=seed,
                text=model.view,
                marks=self._marks(model),
                roles=dict(roles),
            )
            yield Node(
                id=f"classify:{model.name}/{shown}/{seed}",
                kind="classify",
                params={
                    "classifier": classifier.name,
                    "settings": _shareable(recipe),
                    "tune": variant == "tuned",
                    "folds": CV_FOLDS if trivial or variant == "tuned" else 0,
                    "seed": seed,
                },
                needs={name: roles[name] for name in ("vectors", "labels", "split")},
                cell=cell,
            )

    def _reference(self, name: str, kind: str, settings: dict[str, Any], seed: int) -> Node:
        network = build("reference", kind, REFERENCES, settings)
        roles = self._roles(seed)
        return Node(
            id=f"reference:{name}/{seed}",
            kind="reference",
            params={
                "reference": kind,
                "settings": _shareable(network),
                "view": self._view("cleaned"),
                "seed": seed,
                **self._network(),
            },
            needs=roles,
            cpus=self.suite.compute.threads,
            cell=CellPlan(
                section="reference",
                model="reference",
                classifier=name,
                seed=seed,
                text="cleaned",
                marks=self.marks,
                roles=roles,
            ),
        )


# The rows that every report shows (DESIGN §6): model -> the classifier it is read by. How
# C was chosen, and with what in view, stands in docs/decisions.md.
_TRIVIAL: dict[str, Classifier] = {
    "majority": Classifier(name="majority"),
    "length": Classifier(name="logistic_regression"),
    "tfidf-char": Classifier.model_validate({"name": "logistic_regression", "c": 10.0}),
    "tfidf-word": Classifier(name="linear_svc"),
}


def _trivial_models() -> list[Model]:
    adapters: dict[str, dict[str, Any]] = {
        "majority": {"adapter": "length"},
        "length": {"adapter": "length"},
        "tfidf-char": {"adapter": "tfidf", "analyzer": "char_wb", "ngram": (3, 5)},
        "tfidf-word": {"adapter": "tfidf", "analyzer": "word", "ngram": (1, 2)},
    }
    return [
        Model.model_construct(
            name=name,
            **settings,
            overlap=None,
            text="cleaned",
            adapt=None,
            adapt_on="train",
            finetune=None,
        )
        for name, settings in adapters.items()
    ]


def _split_rule(suite: Suite) -> str:
    """`auto` splits by the strongest structure the corpus declares."""
    corpus, by = suite.corpus, suite.split.by
    needed = {"column": ("split_column", corpus.split_column), "time": ("time", corpus.time)}
    needed["group"] = ("group", corpus.group)
    if by in needed and needed[by][1] is None:
        raise InputError(f"split.by: {by} needs corpus.{needed[by][0]} to name a column")
    if by != "auto":
        return by
    if corpus.split_column:
        return "column"
    return "group" if corpus.group else "stratified"


def _or(value: int | Literal["auto"], otherwise: int) -> int:
    return otherwise if value == "auto" else value


def _name_in(root: Path, file: Path) -> str:
    """Name a source file: its place in the folder, or its endings where the source is one file."""
    if root.is_dir():
        return file.relative_to(root).as_posix()
    return "".join(file.suffixes)


def _all_settings(built: Any) -> dict[str, Any]:
    return {field.name: getattr(built, field.name) for field in dataclasses.fields(built)}


def _shareable(built: Any) -> dict[str, Any]:
    """All settings of a registered thing, defaults too, but not where its files lie."""
    return {k: value for k, value in _all_settings(built).items() if k not in _LOCAL_KEYS}


def _local(settings: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(settings[key]) for key in _LOCAL_KEYS if settings.get(key) is not None}


def _default_objective(adapter: Any) -> str:
    """The family's objective; masked language modelling for an adapter of no family."""
    family: Family = getattr(adapter, "family", Family())
    return family.objective

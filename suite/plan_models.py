"""The jobs of a model's rows: its adaptation, its embedding and what reads it, or its fine-tuning.

Embeddings depend on the corpus alone, so a new seed, split or label column embeds nothing again
(DESIGN §3).
"""

from collections.abc import Generator, Iterator
from typing import Any, Literal

from adapters.family import Family
from adapters.registry import OBJECTIVES
from classifiers.registry import CLASSIFIERS, FINETUNE
from embedders.batching import BUDGETS
from results.errors import InputError
from results.registry import build
from suite.node import Node, shareable
from suite.plan_corpus import split_seed
from suite.plan_pruning import pruned
from suite.planning import Planning, Weights
from suite.row_sections import Model
from suite.rows import FINETUNED, Column, columns, is_trivial
from suite.site import Site
from suite.where import within

CV_FOLDS = 5


class ModelRows:
    """Plans the rows of models."""

    def __init__(self, planning: Planning) -> None:
        """Plan within one planning of a suite."""
        self.planning = planning

    def nodes(
        self, model: Model, sites: list[Site], column: Column | None = None
    ) -> Iterator[Node]:
        """Yield a model's jobs; its cells in one column, or in all.

        Raises:
            InputError: an unknown setting, weights that cannot be identified.
        """
        weights = self.weights(model)
        wanted = [column] if column else columns(model, self.planning.suite.classifiers)
        chosen = [(item, _recipe(item)) for item in wanted]
        for site in sites:
            roles = yield from self.learnt(model, weights, site)
            if model.finetune:
                yield from self._finetuned(model, weights, roles, site)
                continue
            if chosen or self.planning.suite.anomaly is None:
                roles["vectors"] = yield from self.embedded(model, weights, roles, site)
            for item, settings in chosen:
                yield self._cell(model, item, settings, roles, site)

    def weights(self, model: Model) -> Weights:
        """Identify a model.

        Raises:
            InputError: it cannot be identified, or is to be trained and has no weights.
        """
        weights = self.planning.weights(model)
        if weights.adapter.fitted and (model.adapt or model.finetune):
            raise InputError(f"models: {model.name!r}: {model.adapter} has no weights to train")
        return weights

    def learnt(
        self, model: Model, weights: Weights, site: Site
    ) -> Generator[Node, None, dict[str, str]]:
        """Yield what all that reads a model here needs; returns those artifacts by role."""
        roles = yield from self.planning.roles(site, model.view)
        if model.adapt:
            unaltered = yield from self.planning.roles(site, model.view, altered=False)
            adapted = self._adapt(model, weights, unaltered, site)
            roles["adapted"] = yield from self.planning.once(adapted)
        return roles

    def embedded(
        self, model: Model, weights: Weights, roles: dict[str, str], site: Site
    ) -> Generator[Node, None, str]:
        """Yield a model's embedding, unless there is one like it; returns its id."""
        return (yield from self.planning.once(self._embed(model, weights, roles, site)))

    def _adapt(self, model: Model, weights: Weights, roles: dict[str, str], site: Site) -> Node:
        assert model.adapt is not None
        name = model.adapt.objective or _default_objective(weights.adapter)
        settings = {**model.adapt.settings, "seed": site.seed}
        with within(f"models: {model.name!r}"):
            objective = build("objective", name, OBJECTIVES, settings)
        needs = {"corpus": roles["corpus"]}
        if model.adapt_on != "all":
            needs["split"] = roles["split"]
        if model.adapt_on == "normal":
            needs["labels"] = roles["labels"]
        return Node(
            id=f"adapt:{site.of_model(model.name)}/{site.seed}",
            kind="adapt",
            model=model.name,
            params={
                **weights.params,
                **self.planning.network(),
                "workers": self.planning.suite.compute.workers,
                "view": self.planning.view(model.view),
                "objective": name,
                "objective_settings": shareable(objective),
                **self._only(model),
            },
            needs=needs,
            local=weights.local,
            cpus=self.planning.suite.compute.threads,
            workers=self.planning.suite.compute.workers,
            unknown=weights.unknown,
        )

    def _only(self, model: Model) -> dict[str, Any]:
        """Say which documents an adaptation may learn from, where not from all of train."""
        anomaly = self.planning.suite.anomaly
        if model.adapt_on != "normal" or anomaly is None:
            return {}
        share = anomaly.validation_share
        return {"only": {"normal": anomaly.normal, "validation_share": share}}

    def _embed(self, model: Model, weights: Weights, roles: dict[str, str], site: Site) -> Node:
        fitted = weights.adapter.fitted
        params = {**weights.params, "view": self.planning.view(model.view)}
        needs = {"corpus": roles["corpus"]}
        name = f"embed:{site.of_vectors(model.name)}"
        if fitted:
            needs["split"] = roles["split"]
            name = f"{name}/{split_seed(self.planning.suite, site.seed)}"
        else:
            params |= self.planning.network() | self._windows(model, weights)
        if "adapted" in roles:
            needs["adapted"] = roles["adapted"]
        if "adapted" in roles or roles["corpus"] != "corpus":
            name = f"{name}/{site.seed}"
        return Node(
            id=name,
            kind="embed",
            model=model.name,
            params=params,
            needs=needs,
            local=weights.local,
            cpus=1 if fitted else self.planning.suite.compute.threads,
            embed_workers=1 if fitted else _or(self.planning.suite.compute.embed_workers, 0),
            unknown=weights.unknown,
        )

    def _windows(self, model: Model, weights: Weights) -> dict[str, Any]:
        """How a model's windows are cut, batched and checked."""
        compute = self.planning.suite.compute
        return {
            "attention": self.planning.target.attention,
            "overlap": model.overlap,
            "batch_tokens": _or(compute.batch_tokens, BUDGETS[self.planning.target.device]),
            "padding": compute.padding,
            "shard_tokens": compute.shard_tokens,
            "precision_check": model.precision_check,
            "exact": self._exact(weights) if model.precision_check else None,
        }

    def _exact(self, weights: Weights) -> dict[str, Any]:
        """What a model's vectors are compared with: of 4 bits bf16, else fp32."""
        settings = weights.params["settings"]
        if settings.get("quantize"):
            return {"precision": "bf16", "settings": {**settings, "quantize": None}}
        return {"precision": "fp32"}

    def _finetuned(
        self, model: Model, weights: Weights, roles: dict[str, str], site: Site
    ) -> Iterator[Node]:
        """Yield a fine-tuned model and what pruning makes of it, but at points of studies."""
        node = self._finetune(model, weights, roles, site)
        yield node
        if model.prune and site.point is None:
            yield from pruned(node, model, weights.adapter, roles, site)

    def _finetune(self, model: Model, weights: Weights, roles: dict[str, str], site: Site) -> Node:
        assert model.finetune is not None
        with within(f"models: {model.name!r}"):
            settings = build("finetune", "finetune", FINETUNE, model.finetune.settings)
        return Node(
            id=f"finetune:{site.shown(model.name)}/{site.seed}",
            kind="finetune",
            model=model.name,
            params={
                **weights.params,
                **self.planning.network(),
                "attention": self.planning.target.attention,
                "view": self.planning.view(model.view),
                "finetune": shareable(settings),
                "seed": site.seed,
            },
            needs=dict(roles),
            local=weights.local,
            cpus=self.planning.suite.compute.threads,
            cell=site.cell(
                "matrix",
                model=model.name,
                classifier=FINETUNED,
                text=model.view,
                marks=self.marks(model),
                roles=roles,
            ),
            unknown=weights.unknown,
        )

    def marks(self, model: Model) -> tuple[str, ...]:
        """Caveats of every number that comes out of a model."""
        transductive = model.adapt is not None and model.adapt_on == "all"
        return (*self.planning.marks, *(("transductive adaptation",) if transductive else ()))

    def _cell(
        self,
        model: Model,
        column: Column,
        settings: dict[str, Any],
        roles: dict[str, str],
        site: Site,
    ) -> Node:
        trivial = is_trivial(model)
        is_tuned = column.variant == "tuned"
        return Node(
            id=f"classify:{model.name}/{site.shown(column.shown)}/{site.seed}",
            kind="classify",
            params={
                "classifier": column.classifier.name,
                "settings": settings,
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
                marks=self.marks(model),
                roles=roles,
            ),
        )


def _recipe(column: Column) -> dict[str, Any]:
    """Check a classifier's settings and complete them."""
    classifier = column.classifier
    return shareable(build("classifier", classifier.name, CLASSIFIERS, classifier.settings))


def _or(value: int | Literal["auto"], otherwise: int) -> int:
    return otherwise if value == "auto" else value


def _default_objective(adapter: Any) -> str:
    """The family's objective; masked language modelling for an adapter of no family."""
    family: Family = getattr(adapter, "family", Family())
    return family.objective

"""What the planning of every row shares: target, identified weights, the artifacts all rows read.

What is made from the same things is planned once, whoever asks for it (`Planning.once`).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import registry
from corpora.registry import LOADERS
from results.errors import InputError
from results.hashing import hash_json
from results.registry import find
from suite.hardware import Target, resolve
from suite.node import Node, all_settings, local_places, shareable
from suite.plan_corpus import altered_node, split_node, templates_node
from suite.row_sections import Model
from suite.sections import Text
from suite.site import Site
from suite.spec import Suite
from suite.where import within


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a job needs to know of its model."""

    adapter: Any
    params: dict[str, Any]
    local: dict[str, str]
    unknown: str | None


class Planning:
    """One planning of a suite."""

    def __init__(
        self, suite: Suite, hash_file: Callable[[Path], str], *, weights_needed: bool
    ) -> None:
        """Take a checked suite; `hash_file` hashes one file."""
        self.suite = suite
        self.hash_file = hash_file
        self.weights_needed = weights_needed
        compute = suite.compute
        self.target: Target = resolve(compute.device, compute.precision, compute.attention)
        loader = find("loader", suite.corpus.loader, LOADERS)
        self.marks = ("synthetic data",) if getattr(loader, "synthetic", False) else ()
        self._shared: dict[str, str] = {}  # what is made from what -> the node that makes it

    def once(self, node: Node) -> Generator[Node, None, str]:
        """Yield a node, unless one like it was yielded; returns the id of the one there is."""
        key = hash_json([node.kind, node.params, dict(node.needs)])
        if key not in self._shared:
            self._shared[key] = node.id
            yield node
        return self._shared[key]

    def view(self, text: Text) -> dict[str, Any]:
        """The parameters that say how documents are read; those of templates need no masking."""
        form = "cleaned" if text == "templates" else text
        return {"text": form, "drop_numbers": self.suite.corpus.clean.drop_numbers}

    def network(self) -> dict[str, Any]:
        """The parameters that change a network's bytes from machine to machine."""
        return {
            "device": self.target.device,
            "precision": self.target.precision,
            "threads": self.suite.compute.threads,
        }

    def weights(self, model: Model) -> Weights:
        """Identify a model by its code, its settings and its weights.

        Raises:
            InputError: it cannot be identified.
        """
        with within(f"models: {model.name!r}"):
            adapter = registry.make(model.adapter, model.settings)
            code = registry.code_of(model.adapter, hasher=self.hash_file)
            identity, unknown = self._identity(adapter, model.adapter if code else None)
        local = local_places(all_settings(adapter))
        return Weights(
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

    def _identity(self, adapter: Any, outside: str | None) -> tuple[dict[str, Any], str | None]:
        """Ask an adapter for its identity; `outside` names it where its code is not ours."""
        try:
            identity = adapter.identity(hasher=self.hash_file)
            hash_json(identity)
            return identity, None
        except InputError as error:
            if self.weights_needed:
                raise
            return {"unknown": repr(adapter)}, str(error)
        except Exception as error:
            if outside is None:
                raise
            raise InputError(
                f"adapter {outside!r}: its identity() fails or is no JSON "
                f"({type(error).__name__}: {error}): see `logmark adapters check`"
            ) from error

    def roles(
        self, site: Site, text: Text, *, altered: bool = True
    ) -> Generator[Node, None, dict[str, str]]:
        """Yield the site's split and its form of the documents, unless there are such already.

        Args:
            site: whose split, and whose share of altered lines.
            text: what is read; of templates and altered lines `corpus` is a form of their own.
            altered: False leaves the lines as they are, for what reads train documents alone.

        Returns:
            The artifacts that every row reads, by role.
        """
        split = yield from self.once(split_node(self.suite, site.seed, site.train_share))
        documents = "corpus"
        if altered and site.altered_lines:
            node = altered_node(split, site.altered_lines, site.seed)
            documents = yield from self.once(node)
        if text == "templates":
            documents = yield from self.once(templates_node(self.suite, documents, split))
        return {"corpus": documents, "labels": "labels", "split": split}

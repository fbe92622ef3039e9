"""The contract of a job: parameters and input artifacts in, one artifact out.

A job is a top-level function that reads its inputs' folders, writes files into a fresh folder and
returns figures about its cost. It knows nothing of Ray, of keys or of commits, so a test calls it
like any function. What kind of job it is, at which version, and which modules its bytes depend on
is declared once, in `jobs/registry.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import JsonValue

from results.hashing import hash_json

if TYPE_CHECKING:
    from jobs.pieces import Pieces

Params = Mapping[str, Any]
Isolation = Literal["process", "shared"]


def _silent(share: float, text: str) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a job is given beside its parameters; none of it changes the bytes it writes.

    Attributes:
        local: where the parameters' data lie on this machine (`path`, `checkpoint`).
        scratch: a folder for intermediate files, deleted when the artifact is committed; it may
            hold those of an attempt at the same artifact that was killed.
        progress: takes the share done (0 to 1) and a short text.
        pieces: does the job's work in pieces, each of them an artifact, where the job asks for it.
    """

    scratch: Path
    local: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[float, str], None] = _silent
    pieces: "Pieces | None" = None


class JobFunction(Protocol):
    """The one verb of a job."""

    def __call__(
        self, params: Params, inputs: Mapping[str, Path], out: Path, context: Context
    ) -> dict[str, JsonValue]:
        """Write the artifact into `out` and return cost figures such as ``tokens_per_s``."""


def _never(params: Params) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of job.

    Attributes:
        name: as it stands in keys and in the store.
        version: raised by hand whenever the same inputs would give other bytes.
        function: ``"module:function"``, imported where the job runs.
        modules: the modules whose code decides the bytes; a test fails when one of them changes
            and the version does not.
        is_light: whether jobs with such parameters may follow one another in a worker, which
            spares a new process and its imports (0.2 s to 2 s). Those that import torch, hold a
            GPU or much memory have a process of their own.
    """

    name: str
    version: int
    function: str
    modules: tuple[str, ...]
    is_light: Callable[[Params], bool] = _never

    def isolation(self, params: Params) -> Isolation:
        """Say what a job may run in: a `process` of its own, or a worker `shared` with others."""
        return "shared" if self.is_light(params) else "process"

    def load(self) -> Any:
        """Import the job's function, a `JobFunction`; of a kind of piece the `PieceWorker`."""
        module, _, name = self.function.partition(":")
        return getattr(import_module(module), name)


def key_of(kind: Kind, params: Params, digests: Mapping[str, str]) -> str:
    """Compute an artifact's key from the kind, its version, all parameters and the inputs' digests.

    Inputs enter by what they contain, not by how they were made: an upstream job that is computed
    again with the same outcome invalidates nothing.

    Raises:
        TypeError: a parameter that cannot be hashed.
    """
    return hash_json(
        {
            "kind": kind.name,
            "version": kind.version,
            "params": dict(params),
            "inputs": dict(digests),
        }
    )

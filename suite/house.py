"""Refuse to start when another distribution has taken the place of one of our packages.

Our seven top-level names are generic (fixed so), and others ship the same ones: AdapterHub's
`adapters`, for instance. Python then imports whichever comes first, or the files of both lie in one
folder; either way the failure would surface far from its cause. This module therefore imports none
of our packages, and is asked before any of them is imported.
"""

import importlib.util
from pathlib import Path

PACKAGES = ("suite", "adapters", "embedders", "classifiers", "jobs", "results", "corpora")
_SIGN = '"""Logmark: '


def fault() -> str | None:
    """Look at the file each of our package names would be imported from, without importing it.

    Returns:
        `None`, or one line that names the foreign file and the way out.
    """
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        origin = Path(spec.origin) if spec and spec.origin else None
        if origin is None or not origin.read_text(encoding="utf-8").startswith(_SIGN):
            return _advice(package, origin)
    return None


def _advice(package: str, origin: Path | None) -> str:
    if origin is None:
        where = f"package {package!r} has no {package}/__init__.py on the import path"
    else:
        where = f"package {package!r} is imported from {origin}, which is not Logmark's"
    owners = _owners(package)
    remedy = f"uninstall {' or '.join(owners)}" if owners else "leave the folder that holds it"
    return (
        f"{where}: {remedy}, or install logmark into an environment of its own "
        f"(python -m venv), then run the command again"
    )


def _owners(package: str) -> list[str]:
    from importlib.metadata import packages_distributions

    return sorted({name for name in packages_distributions().get(package, []) if name != "logmark"})

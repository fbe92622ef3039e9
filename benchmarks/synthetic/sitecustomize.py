"""Adds the synthetic kinds of job to the registry, in every process with this folder on PYTHONPATH.

Python imports a module of this name when it starts; the kinds are added when `jobs.registry` is
imported, so that starting a process costs nothing more.
"""

import importlib.abc
import importlib.util
import sys


class _Adding(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name != "jobs.registry":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        import synthetic_jobs

        synthetic_jobs.register(module.KINDS)


sys.meta_path.insert(0, _Adding())

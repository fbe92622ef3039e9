"""Somebody with a small folder of logs, who does what a page of the documentation says.

Every block of code is done, in the order of the page: a suite is planned, Python is executed, and
of a shell's lines each command is given to whoever knows it. Nothing is passed over in silence: a
command that nobody here knows is an error, and so is a block in a language that nobody speaks. The
tables below say what is done in another place, or with something else in its stead, and why.
"""

import argparse
import contextlib
import io
import itertools
import os
import re
import runpy
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import ROOT, Block
from helpers import compute

from suite.cli import _parser, main
from suite.opening import open_store, plan_jobs, read_suite
from suite.spec import read

ELSEWHERE: Mapping[str, str] = {
    "deploy/ray_node.sh": "starts a node: tests/contracts/test_deploy.py",
    "examples/cluster/submit.sh": "needs a cluster: its words are those of `logmark run`",
    "ray": "needs a cluster: held against Ray's own commands in tests/contracts/test_deploy.py",
    "sbatch": "needs Slurm: the script runs in tests/contracts/test_deploy.py",
    "docker": "needs Docker: the file is looked at in tests/contracts/test_deploy.py",
    "kubectl": "needs Kubernetes: rayjob.yaml is held against its schema in test_deploy.py",
    "journalctl": "what it would print is given to the command behind it",
}
"""Commands that are not run here, and why; the files of ours that they name have to be there."""

INSTEAD: Mapping[str, str] = {
    "minilm/random_forest-tuned/0": "minilm/random_forest/0",  # a grid search takes half a minute
    "s3://my-bucket/logmark": "runs/store",  # S3 itself: tests/suite/test_remote_run.py
    "s3://bucket/logmark": "runs/store",
    "/shared/logmark": "runs",
    "/shared/logmark/paper": "runs/mine",  # the paper's suite takes days
}
"""Words of the documents, and what stands in their place here."""

ONLY_PARSED: Mapping[tuple[str, ...], str] = {
    ("adapters", "check", "first_token.py:FirstToken"): "takes long: the README checks another",
}
"""Beginnings of commands of ours whose words are read, and no more."""

_REST = {
    "name": "fragment",
    "corpus": {"loader": "folder", "path": "logs"},
    "models": [{"name": "minilm", "adapter": "minilm"}, {"name": "llama2", "adapter": "llama2-7b"}],
    "classifiers": ["logistic_regression"],
    "references": [{"name": "cnn"}],
}

PRINTED_BY: Mapping[str, str] = {"docs/plan.md": "logmark plan suites/paper.yaml"}
"""Pages that show an output without the command before it."""

DRAWN: Mapping[str, str] = {
    "README.md": "a folder of logs, as the one that lies here",
    "docs/store.md": "the files of a store: tests/results/test_store.py",
}
"""Pages whose blocks of text are drawings."""

_WORD = re.compile(r"[A-Za-z][a-z_]{2,}")

FOR_RUN = ("deploy/slurm.sh", "examples/cluster/submit.sh")
"""Scripts that hand their words on to `logmark run`."""


@dataclass
class Stranger:
    """Who reads, and where.

    Attributes:
        folder: what is prepared for whoever starts; every path in a page is relative to it.
        patch: undoes what is done to this process: its folder, its environment.
        said: what the last block's commands printed.
        names: what the page's Python has defined so far.
    """

    folder: Path
    patch: pytest.MonkeyPatch
    said: str = ""
    names: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.patch.chdir(self.folder)
        self.patch.setenv("DATA", str(self.folder))
        self.patch.setenv("HF_HUB_OFFLINE", "1")

    def do(self, block: Block) -> None:
        """Do what a block shows.

        Raises:
            AssertionError: it cannot be done, or any other error; its note names page and line.
        """
        ways = {
            "yaml": self._plan,
            "python": self._execute,
            "sh": self._shell,
            "text": self._compare,
        }
        assert block.language in ways, f"{block}: say how this language is tried"
        try:
            ways[block.language](block)
        except BaseException as error:
            error.add_note(f"{block}\n{self.said[-2000:]}")
            raise

    def _plan(self, block: Block) -> None:
        """Read and plan a suite; what is no whole one is put into the smallest that can hold it."""
        content = yaml.safe_load(block.text)
        whole = {"name", "corpus"} <= content.keys()
        path = self.folder / (block.file or f"block-{block.line}.yaml")
        path.write_text(block.text if whole else yaml.safe_dump(_REST | content))
        self._logmark(["plan", str(path)])

    def _execute(self, block: Block) -> None:
        """Execute Python; a block that is a file is written, for whoever names it later."""
        path = self.folder / (block.file or f"block-{block.line}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            names = runpy.run_path(str(path), init_globals=self.names)
        self.said = output.getvalue()
        self.names |= {k: v for k, v in names.items() if not k.startswith("__")}

    def _compare(self, block: Block) -> None:
        """See that the words of an output, not its numbers, were said by the commands before it."""
        if block.page in DRAWN:
            return
        if block.page in PRINTED_BY:
            self.type(PRINTED_BY[block.page])
        unsaid = set(_WORD.findall(block.text)) - set(_WORD.findall(self.said))
        assert not unsaid, f"{unsaid} in none of these lines"

    def _shell(self, block: Block) -> None:
        self.said = ""
        checker = [
            Path(sys.executable).parent / "shellcheck",
            "--shell=bash",
            "--exclude=SC2034",
            "-",
        ]
        found = subprocess.run(
            checker, input=block.text, text=True, capture_output=True, check=False
        )
        assert found.returncode == 0, found.stdout
        self.type(block.text)

    def type(self, text: str) -> None:
        """Do what a shell would be told to do."""
        for words in commands(text):
            self._command(words)

    def _command(self, words: list[str]) -> None:
        words, target = _redirected(words)
        name, rest = words[0].removeprefix(".venv/bin/"), self._meant(words[1:])
        ways = {
            "logmark": self._logmark,
            "python": self._python,
            "export": self._export,
            "make": _make,
            "pip": _pip,
        }
        if name in ways:
            ways[name](rest)
        else:
            assert name in ELSEWHERE, f"nobody here knows {name!r}: see tests/stranger.py"
            _look(name, rest)
        if target:
            Path(target).write_text(self.said)

    def _meant(self, words: list[str]) -> list[str]:
        """Put what is here in the place of what only users have, and files in that of patterns."""
        found = []
        for word in words:
            name = INSTEAD.get(word, os.path.expandvars(word))
            files = sorted(map(str, Path().glob(name))) if "*" in name else [name]
            assert files, f"no file here is called {name}"
            found += files
        return found

    def _logmark(self, words: list[str]) -> None:
        words = [_a_run_of_the_store() if word == "RUN" else word for word in words]
        options = _parser().parse_args(words)
        if any(tuple(words[: len(begin)]) == begin for begin in ONLY_PARSED):
            return
        if words[0] == "run":
            if options.suite.parts[0] == "suites":
                return self._look_at_what_ships(options)
            _hasten(options.suite)
            _compute(options)
        self._say(words)

    def _say(self, words: list[str]) -> None:
        """Run a command of ours in this process; what is asked on standard input is a log."""
        self.patch.setattr(sys, "argv", ["logmark", *words])
        output = io.StringIO()
        with (
            tempfile.TemporaryFile("w+") as errors,  # progress wants what is a file
            _on_standard_input(next(Path("new").glob("*.log"))),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            status = main(words)
            errors.seek(0)
            told = errors.read()
        self.said += output.getvalue() + told
        assert status == 0, f"logmark {shlex.join(words)} exits with {status}: {told}"

    def _look_at_what_ships(self, options: argparse.Namespace) -> None:
        """Plan an experiment that ships and takes hours; read it where its data are not ours."""
        if "LOGMARK_SHARED" in options.suite.read_text():
            read(options.suite)
        else:
            self._say(["plan", str(options.suite), *(["--tiny"] if options.tiny else [])])

    def _export(self, words: list[str]) -> None:
        for word in words:
            name, _, value = word.partition("=")
            self.patch.setenv(name, value)

    def _python(self, words: list[str]) -> None:
        """Run a script of the page's; of a benchmark see that it is there and takes the options."""
        script = Path(words[0])
        if script.parts[0] == "benchmarks":
            content = script.read_text()
            assert all(f'"{word}"' in content for word in words[1:]), words
        else:
            self.patch.setattr(sys, "argv", words)
            runpy.run_path(str(script), run_name="__main__")


def commands(text: str) -> Iterator[list[str]]:
    """Split the lines of a shell's block into commands; variables before a command are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        for is_between, words in itertools.groupby(lexer, key={"|", "&&", ";"}.__contains__):
            rest = list(itertools.dropwhile(re.compile("[A-Z_]+=").match, words))
            if rest and not is_between:
                yield rest


def _redirected(words: list[str]) -> tuple[list[str], str | None]:
    return (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, None)


def _a_run_of_the_store() -> str:
    return next(Path("runs/store/runs").glob("*.json")).stem


@contextlib.contextmanager
def _on_standard_input(path: Path) -> Iterator[None]:
    before = os.dup(0)
    with path.open("rb") as stream:
        os.dup2(stream.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def _hasten(path: Path) -> None:
    """Take from a suite what takes long and is not looked at here: epochs of networks, threads.

    Two threads wait for each other where other tests want the cores, too.
    """
    content = yaml.safe_load(path.read_text())
    content["compute"] = {**content.get("compute", {}), "threads": 1}
    content["references"] = [{**one, "epochs": 2} for one in content.get("references", [])]
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _compute(options: argparse.Namespace) -> None:
    """Compute a suite's jobs in this process, where `logmark run` finds them without Ray.

    With Ray: tests/suite/test_run.py.
    """
    workdir = options.workdir.absolute()
    store = open_store(options.store, workdir, writable=True)
    suite = read_suite(options.suite, workdir, tiny=options.tiny)
    board = compute(plan_jobs(suite, store, workdir), store, workdir / "inline-logs")
    reasons = {outcome.reason for outcome in board.outcomes.values()} - {None}
    assert not reasons, reasons


def _make(words: list[str]) -> None:
    """See that make knows the targets, and that it would call our command as it is called."""
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for called in commands(done.stdout):
        if called[0].endswith("/logmark"):
            _parser().parse_args(called[1:])


def _pip(words: list[str]) -> None:
    """See that what is to be installed is ours, or is what our package asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    known = {_distribution(one)[0] for one in (*project["dependencies"], *sum(extras.values(), []))}
    assert words[0] == "install"
    for word in words[1:]:
        name, wanted = _distribution(word)
        if "/" in word:
            assert (ROOT / word / "pyproject.toml").is_file(), word
        elif name == "logmark":
            assert wanted <= extras.keys(), word
        elif not word.startswith("-"):
            assert name in known, word


def _distribution(requirement: str) -> tuple[str, set[str]]:
    """Name and extras, `ray[default]>=2` for instance."""
    name, extras = re.match(r"([\w.-]*)(?:\[([\w,]+)\])?", requirement).groups()
    return name, set(extras.split(",")) if extras else set()


def _look(name: str, words: list[str]) -> None:
    """See that the files of ours in a command are there, and that what follows one is for `run`."""
    script = next((word for word in (name, *words) if word.endswith(".sh")), None)
    ours = {path.name for path in ROOT.iterdir()}
    for word in (name, *words):
        if "/" in word and Path(word).parts[0] in ours:
            assert Path(word).is_file(), f"{word} is not there"
    if script in FOR_RUN:
        _parser().parse_args(["run", *words[words.index(script) + 1 if script in words else 0 :]])

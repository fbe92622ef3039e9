"""Ray, started or joined and left again: quietly, with our signal handlers, leaving nothing."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from results.errors import InputError, OutageError
from results.processes import is_gone, this_process

_OBJECT_STORE_BYTES = 200 * 2**20  # jobs exchange commits, never data
_PROBE_S = 5.0
_ASKED_AFTER_S = 60  # of silence a worker is asked whether it lives, and has as long to answer
_SIGN = "driver.json"


class Joined(NamedTuple):
    """A Ray that answers.

    Attributes:
        ray: the module.
        stop: set when the run is told to stop.
        is_ours: whether it was started for this run and ends with it.
    """

    ray: Any
    stop: threading.Event
    is_ours: bool


@contextlib.contextmanager
def joined(address: str | None, run_dir: Path) -> Iterator[Joined]:
    """Start or join Ray, with its chatter in a log file, and leave nothing behind.

    Args:
        address: a cluster's address; None or `local` starts Ray in this machine.
        run_dir: becomes the working directory meanwhile.

    Raises:
        InputError: no cluster answers there.
    """
    local = address in (None, "local")
    _set_environment(local=local)
    before = Path.cwd()
    os.chdir(run_dir)
    temporary = folder_of_ray()
    try:
        with _quiet(run_dir / "logs" / "ray.log"), _signals_restored():
            import ray

            try:
                _connect(ray, "local" if local else str(address), temporary)
            except SystemExit:  # Ray's handler of SIGTERM, in force until ours are
                raise KeyboardInterrupt from None
            stop = _install_handlers()
            try:
                yield Joined(ray, stop, local)
            finally:
                ray.shutdown()
    finally:
        os.chdir(before)
        shutil.rmtree(temporary, ignore_errors=True)


def folder_of_ray() -> Path:
    """Make a folder for a Ray of our own, its name short; remove those of runs that were killed."""
    place = Path(tempfile.gettempdir())
    for sign in place.glob(f"r-????????/{_SIGN}"):
        with contextlib.suppress(OSError, ValueError, TypeError):
            if is_gone(json.loads(sign.read_text(encoding="utf-8"))):
                shutil.rmtree(sign.parent, ignore_errors=True)
    folder = place / f"r-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    (folder / _SIGN).write_text(json.dumps(this_process()), encoding="utf-8")
    return folder


def _set_environment(*, local: bool) -> None:
    """What Ray reads before it is imported (RAY.md §3 B, L): no telemetry, token, no uv hook."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_grpc_client_keepalive_time_ms", str(1000 * _ASKED_AFTER_S))
    os.environ.setdefault("RAY_grpc_client_keepalive_timeout_ms", str(1000 * _ASKED_AFTER_S))
    if local and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(ray: Any, address: str, temporary: Path) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if address != "local":
        _probe(address)
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(
                f"--address {address}: no Ray cluster answers there ({first}); if one runs, this "
                f"shell may lack its token (RAY_AUTH_MODE=token, RAY_AUTH_TOKEN_PATH)"
            ) from error
        return
    try:
        ray.init(
            address="local",
            num_cpus=os.cpu_count(),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            _temp_dir=str(temporary),
            **quiet,
        )
    except Exception as error:  # Ray's own failure to start is a bare one
        raise OutageError(
            f"Ray did not start on this machine ({str(error).strip().splitlines()[0]}); it gives "
            f"itself 30 s, which an overloaded machine may miss; see logs/ray.log"
        ) from error


def _probe(address: str) -> None:
    """Knock at a cluster's door: Ray itself would wait for minutes, and say nothing."""
    if address == "auto":
        return
    if "://" in address:
        raise InputError(
            f"--address {address}: give HOST:PORT of the head node, or submit the command with "
            "`ray job submit`; Ray Client addresses are not supported"
        )
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_PROBE_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"--address {address}: no Ray head node answers there ({error})"
        ) from error


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Send standard output and error to a file: raylets print there whatever one asks of them.

    The progress display keeps its own copy of the terminal (`suite.progress`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        with log.open("ab") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for handle, target in zip(saved, (1, 2), strict=True):
            os.dup2(handle, target)
            os.close(handle)


@contextlib.contextmanager
def _signals_restored() -> Iterator[None]:
    """Put back the handlers that were there; `_install_handlers` sets ours after Ray's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _install_handlers() -> threading.Event:
    """Turn Ctrl-C and SIGTERM into an event that the loop looks at between two waits.

    An exception raised by the handler itself could surface inside any of Ray's callbacks. Ours come
    after `ray.init`, whose own SIGTERM handler aborts with a stack dump (RAY.md G).
    """
    stop = threading.Event()

    def handle(signum: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop

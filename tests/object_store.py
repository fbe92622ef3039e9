"""An S3-compatible service on this machine (moto's server), for tests of remote stores.

It can be made to ignore the condition on which we rely, as some services do, to know one access key
only, and to count the requests it is sent.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEY = "AKIAEXAMPLE"
BUCKET = "bucket"
_DENIED = (
    b"<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code>"
    b"<Message>The access key does not exist</Message></Error>"
)
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Service:
    """The service, and what it was asked.

    Attributes:
        url: where it listens.
        requests: method and path of each request.
        ignores_conditions: whether it overwrites what a writer meant to create.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.ignores_conditions = False
        self._moto: _Application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if f"Credential={KEY}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [_DENIED]
        if self.ignores_conditions:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        return self._moto(environ, start)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """The variables that a user sets to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }


@contextmanager
def service() -> Iterator[Service]:
    """Run a service that the environment names, with an empty bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = Service()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in running.environment().items():
                patch.setenv(name, value)
            _make_bucket()
            yield running
    finally:
        running.stop()


def _make_bucket() -> None:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()  # which remember another service
    fs = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    if fs.exists(BUCKET):  # moto keeps its buckets as long as the process lives
        fs.rm(BUCKET, recursive=True)
    fs.mkdir(BUCKET)

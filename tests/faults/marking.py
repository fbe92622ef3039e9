"""An adapter from outside that notes every loading of its weights in `loads`, beside this file."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.bert import BertAdapter


@dataclass(frozen=True, kw_only=True)
class Marking(BertAdapter):
    """A BERT checkpoint; `tag` tells its loads from another row's."""

    tag: str

    def load(self, *, device: str, **how: Any) -> Any:
        if device != "meta":
            handle = os.open(
                Path(__file__).parent / "loads", os.O_WRONLY | os.O_CREAT | os.O_APPEND
            )
            os.write(handle, f"{self.tag} {os.getpid()}\n".encode())
            os.close(handle)
        return super().load(device=device, **how)

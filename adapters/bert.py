"""BERT: masked language modelling, a window framed by [CLS] and [SEP].

Devlin et al., "BERT", NAACL 2019.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class BertAdapter(HuggingFaceAdapter):
    """A BERT checkpoint."""

    family: ClassVar[Family] = Family(model_types=("bert",))

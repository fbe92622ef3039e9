"""T5 and Flan-T5: the states are the ENCODER's, after its final norm; the decoder is not loaded.

Raffel et al., JMLR 2020; Chung et al., "Scaling Instruction-Finetuned Language Models", 2022.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class T5Adapter(HuggingFaceAdapter):
    """The encoder of a T5 or Flan-T5 checkpoint."""

    family: ClassVar[Family] = Family(
        model_types=("t5", "mt5", "umt5"),
        objective="seq2seq",
        architecture="AutoModelForTextEncoding",
    )

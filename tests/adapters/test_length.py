"""The length of a document, over all its parts."""

import numpy as np

from adapters.length import LengthAdapter


def test_it_is_the_logarithm_of_all_characters() -> None:
    featurizer = LengthAdapter().load_featurizer()
    featurizer.fit([])
    got = featurizer.transform(parts for parts in [["12345", "67890"], ["x" * 1000], ["", ""]])
    assert got.dtype == np.float32 and got.shape == (3, 1)
    np.testing.assert_allclose(got.toarray()[:, 0], [1.0, 3.0, 0.0], rtol=1e-6)

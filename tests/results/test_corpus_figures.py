from results.corpus_figures import class_counts, class_distribution, length_histogram


def words(drawn) -> list[str]:
    return [text.get_text() for text in drawn.figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_class_counts_are_turned_round() -> None:
    card = {"classes": {"test": {"a": 1}, "train": {"a": 3, "b": 2}}}
    assert class_counts(card) == {"a": {"test": 1, "train": 3}, "b": {"test": 0, "train": 2}}


def test_data_figures_show_their_numbers(run) -> None:
    classes = class_distribution(class_counts(run.cards["split"]), ["synthetic data"])
    assert {"Pass", "334 = 100 + 234", "SYNTHETIC DATA"} <= set(words(classes))
    lengths = length_histogram(run.cards["corpus"]["lengths"], ["synthetic data"])
    assert {"before", "after", "SYNTHETIC DATA"} <= set(words(lengths))

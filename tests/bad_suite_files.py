"""Mistakes in a suite file, which are found before anything is computed."""

from bad_input import CORPUS, WORDS, Bad, suite

_BOMB = "x: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"x{n}: &{'bcdefgh'[n]} [{', '.join(['*' + 'abcdefg'[n]] * 9)}]\n" for n in range(7)
)
_CNN = "references: [cnn]\n"
_XGB = "classifiers: [xgboost]\n"


def _corpus(more: str) -> str:
    return suite(corpus=CORPUS.replace("40}", f"40, {more}}}"))


def _model(more: str) -> str:
    return suite(f"models: [{{name: m, {more}}}]\n")


def _study(more: str) -> str:
    return suite(_CNN, f"studies: [{{name: s, rows: [cnn], {more}}}]\n")


FILE = (
    Bad("no YAML", "bad.yaml: not YAML: ", "mend the line it names", suite("x: [\n")),
    Bad("a tab", "a tab; indent with blanks (line 2", "replace it", "corpus:\n\tloader: folder\n"),
    Bad("`: ` in a value", "put the value into quotes (line 1", "quote it", "name: mine: again\n"),
    Bad("two documents", "a second document begins", "split the file", "name: a\n---\nname: b\n"),
    Bad("a tag", "a tag ('!...')", "leave it out", "name: !!python/object/apply:os.getcwd []\n"),
    Bad("a key twice", "the key 'name' stands twice", "remove one", "name: a\nname: b\n"),
    Bad("a list as a key", "a key is one word", "name a word", suite("? [a]\n: 1\n")),
    Bad("nested too deeply", "nested too deeply", "flatten it", f"name: {'[' * 900}"),
    Bad("aliases of aliases", "more than 100,000 values", "write out what is meant", _BOMB),
    Bad("a circle", "an alias that contains itself", "write it out", suite("x: &a [*a]\n")),
    Bad("too large", "more than 256 KiB; name a suite file", "name another file", b"#" * 300_000),
    Bad("not UTF-8", "not UTF-8 text at byte 6", "save it as UTF-8", b"name: \xe9\n"),
    Bad("a NUL", "is not allowed", "remove it", b"name: a\0b\n"),
    Bad("no keys", "holds keys such as name and corpus", "write keys", "just text\n"),
    Bad("empty", "holds keys such as name and corpus", "see [the suite file](suite.md)", ""),
    Bad("not there", "none.yaml: No such file", "check the path", command=("plan", "none.yaml")),
    Bad("a folder", "Is a directory; name a suite file", "name a file", command=("plan", ".")),
)

KEYS = (
    Bad(
        "an unknown key",
        "nme: unknown key; did you mean 'name'",
        "take the name it suggests",
        "nme: x\n" + CORPUS,
    ),
    Bad(
        "one in a section",
        "split.tst_share: unknown key; did you mean 'test_share'",
        "take the name it suggests",
        suite("split: {tst_share: 0.3}\n"),
    ),
    Bad(
        "one two levels down",
        "corpus.clean.tuky: unknown key; did you mean 'tukey'",
        "take the name it suggests",
        _corpus("clean: {tuky: true}"),
    ),
    Bad(
        "a key that steers a terminal",
        "bad.yaml: \\x1b[31m: unknown key",
        "remove it",
        suite('"\\e[31m": 1\n'),
    ),
    Bad(
        "an unknown setting of a loader",
        "loader 'tm500' has no setting 'num_docs': did you mean 'num_documents'",
        "take the name it suggests",
        suite(corpus="corpus: {loader: tm500, num_docs: 3}\n"),
    ),
    Bad(
        "of an adapter",
        "models: 'm': adapter 'tfidf' has no setting 'ngrm': did you mean 'ngram'",
        "take the name it suggests",
        _model("adapter: tfidf, ngrm: [1, 2]"),
    ),
    Bad(
        "of a classifier",
        "classifier 'xgboost' has no setting 'round': did you mean 'rounds'",
        "take the name it suggests",
        suite(WORDS, "classifiers: [{name: xgboost, round: 3}]\n"),
    ),
    Bad(
        "of a reference",
        "reference 'cnn' has no setting 'epoch': did you mean 'epochs'",
        "take the name it suggests",
        suite("references: [{name: cnn, epoch: 3}]\n"),
    ),
    Bad(
        "of templates",
        "mining 'mining' has no setting 'dpth': did you mean 'depth'",
        "take the name it suggests",
        _corpus("mining: {dpth: 3}"),
    ),
    Bad("a missing key", "corpus: this key is missing", "write it", "name: bad\n"),
    Bad(
        "an adapter's",
        "adapter 'bert', setting 'checkpoint'",
        "name a folder or a hub name",
        _model("adapter: bert"),
    ),
)

VALUES = (
    Bad(
        "a number as a name", "name: 3 must be text, such as '3'", "quote it", "name: 3\n" + CORPUS
    ),
    Bad(
        "one value for a list",
        "seeds: 3 must be a list, such as [3]",
        "put [ ] around it",
        suite("seeds: 3\n"),
    ),
    Bad(
        "a word for a section",
        "corpus: 'logs' must be a section with keys",
        "write {loader: ...}",
        "name: bad\ncorpus: logs\n",
    ),
    Bad(
        "an empty list",
        "seeds: an empty list must be at least 1 long",
        "fill it, or leave the key out",
        suite("seeds: []\n"),
    ),
    Bad(
        "a unit",
        "corpus.clean.max_bytes: '300kB' must be a whole number",
        "write the number",
        _corpus("clean: {max_bytes: 300kB}"),
    ),
    Bad(
        "an amount without a unit",
        "24 is no amount with a unit; write it as '24 GiB'",
        "add the unit",
        suite("resources: {embed: {memory: 24}}\n"),
    ),
    Bad(
        "an unknown unit",
        "unknown unit 'fortnights'",
        "use one of those named",
        suite("resources: {embed: {time_limit: 2 fortnights}}\n"),
    ),
    Bad(
        "a date",
        "corpus.where.day: 2020-01-01 must be text, such as '2020-01-01'",
        "quote it",
        _corpus("where: {day: 2020-01-01}"),
    ),
    Bad(
        "keys in `where`",
        "corpus.where: day: name a value, or a list of values",
        "name values",
        _corpus("where: {day: {a: 1}}"),
    ),
    Bad(
        "no new name in `relabel`",
        "corpus.relabel.map.a: '' must be at least 1 character(s) long",
        "name one, or null",
        _corpus("relabel: {map: {a: ''}}"),
    ),
    Bad(
        "an unknown variant",
        "classifiers.0.variants.0: 'tuend' must be 'default' or 'tuned'; did you mean 'tuned'",
        "take the one it suggests",
        suite(WORDS, "classifiers: [{name: xgboost, variants: [tuend]}]\n"),
    ),
    Bad(
        "a variant twice",
        "classifiers.0.variants: 'tuned' stands there twice",
        "remove one",
        suite(WORDS, "classifiers: [{name: xgboost, variants: [tuned, tuned]}]\n"),
    ),
    Bad(
        "a NUL in a path",
        "corpus.path: a path cannot hold a NUL character",
        "remove it",
        suite(corpus='corpus: {loader: folder, path: "a\\0b"}\n'),
    ),
    Bad(
        "an unknown choice",
        "split.by: 'grup' must be 'auto', ",
        "choose one of those",
        suite("split: {by: grup}\n"),
    ),
    Bad("below the range", "seeds.0: -1 must be at least 0", "raise it", suite("seeds: [-1]\n")),
    Bad(
        "above the range",
        "split.test_share: 1.0 must be below 1",
        "lower it",
        suite("split: {test_share: 1.0}\n"),
    ),
    Bad(
        "a seed too large",
        "seeds.0: 4294967296 must be below 4294967296",
        "lower it",
        suite("seeds: [4294967296]\n"),
    ),
    Bad(
        "an impossible setting",
        "xgboost: rounds must be at least 1, not 0",
        "raise it",
        suite(WORDS, "classifiers: [{name: xgboost, rounds: 0}]\n"),
    ),
    Bad(
        "in a training",
        "adapt: learning_rate must be above 0, not -1.0",
        "raise it",
        _model(
            "adapter: huggingface, checkpoint: CK, adapt: {objective: mlm, learning_rate: -1}"
        ).replace("CK", "nobody/nothing"),
    ),
    Bad(
        "no window",
        "context: 64 must be above the overlap of neighbouring windows (64)",
        "raise it, or lower `overlap`",
        _model("adapter: minilm, context: 64, overlap: 64"),
    ),
    Bad(
        "4 bits without support",
        "setting 'quantize'",
        "say nf4, or leave it out",
        _model("adapter: bert, checkpoint: x, quantize: int8"),
    ),
)

NAMES = (
    Bad(
        "a name with a slash",
        "name: 'a/b' cannot name files: take letters, digits",
        "rename it",
        "name: a/b\n" + CORPUS,
    ),
    Bad(
        "with a blank",
        "models.0.name: 'my model' cannot name files",
        "rename it",
        suite("models: [{name: my model, adapter: length}]\n"),
    ),
    Bad("beyond ASCII", "name: 'größe' cannot name files", "rename it", "name: größe\n" + CORPUS),
    Bad(
        "too long",
        "must be at most 80 characters long",
        "shorten it",
        f"name: {'a' * 200}\n" + CORPUS,
    ),
    Bad(
        "of the store",
        "'store' is the folder of the artifacts",
        "rename it",
        "name: store\n" + CORPUS,
    ),
    Bad(
        "of a row that is always there",
        "'majority' names a row that is always printed",
        "rename it",
        suite("models: [{name: majority, adapter: length}]\n"),
    ),
    Bad(
        "given twice",
        "classifiers: 'xgboost' stands there twice",
        "rename or remove one",
        suite(WORDS, "classifiers: [xgboost, xgboost]\n"),
    ),
    Bad(
        "a seed given twice",
        "seeds: '1' stands there twice",
        "remove one",
        suite("seeds: [1, 1]\n"),
    ),
    Bad(
        "an unknown loader",
        "unknown loader 'foldr': did you mean 'folder'",
        "take the name it suggests",
        "name: bad\ncorpus: {loader: foldr}\n",
    ),
    Bad(
        "an unknown adapter",
        "unknown adapter 'minilmm': did you mean 'minilm'",
        "take the name it suggests; `logmark adapters list` has all",
        _model("adapter: minilmm"),
    ),
    Bad(
        "an unknown classifier",
        "unknown classifier 'xgbost': did you mean 'xgboost'",
        "take the name it suggests",
        suite(WORDS, "classifiers: [xgbost]\n"),
    ),
    Bad(
        "an unknown reference",
        "unknown reference 'cnm': did you mean 'cnn'",
        "take the name it suggests",
        suite("references: [cnm]\n"),
    ),
    Bad(
        "an unknown detector",
        "unknown detector 'line_cont': did you mean 'line_count'",
        "take the name it suggests",
        suite("anomaly: {normal: Pass, detectors: [line_cont]}\n"),
    ),
    Bad(
        "an unknown objective",
        "unknown objective 'mlmm': did you mean 'mlm'",
        "take the name it suggests",
        _model("adapter: minilm, adapt: {objective: mlmm}"),
    ),
    Bad(
        "a study's unknown row",
        "studies.0.rows: unknown row 'cnm': did you mean 'cnn'",
        "take the name it suggests",
        suite(_CNN, "studies: [{name: s, rows: [cnm], vary: {layers: [1]}}]\n"),
    ),
    Bad(
        "a study's unknown key",
        "'cnn' has no such setting: did you mean 'layers'",
        "take the name it suggests",
        _study("vary: {layrs: [1]}"),
    ),
    Bad(
        "an unknown baseline",
        "report.baseline: unknown row 'm/xgbost': did you mean 'm/xgboost'",
        "take the name it suggests",
        suite(WORDS, _XGB, "report: {baseline: m/xgbost}\n"),
    ),
    Bad(
        "resources of an unknown model",
        "resources.models: unknown model 'mm': did you mean 'm'",
        "take the name it suggests",
        suite(WORDS, "resources: {models: {mm: {gpus: 1}}}\n"),
    ),
)

TOGETHER = (
    Bad(
        "a split by a group that is not named",
        "split.by: group needs corpus.group",
        "name the column",
        suite("split: {by: group}\n"),
    ),
    Bad(
        "classifiers without a model",
        "classifiers: there is no model to read",
        "name a model",
        suite(_XGB),
    ),
    Bad(
        "pruning without fine-tuning",
        "prune: only a fine-tuned model is pruned; add 'finetune'",
        "add it",
        _model("adapter: minilm, prune: true"),
    ),
    Bad(
        "what is adapted on, without an adaptation",
        "adapt_on: all: nothing is adapted; add 'adapt: true'",
        "add it",
        _model("adapter: minilm, adapt_on: all"),
    ),
    Bad(
        "an adaptation of what has no weights",
        "models: 'm': tfidf has no weights to train",
        "leave `adapt` out",
        _model("adapter: tfidf, adapt: true"),
    ),
    Bad(
        "a seed of an adaptation",
        "an adaptation follows the suite's seeds",
        "leave it out",
        _model("adapter: minilm, adapt: {seed: 1}"),
    ),
    Bad(
        "a detector of text with a model",
        "reads the text itself: leave 'model' out",
        "leave it out",
        suite(WORDS, "anomaly: {normal: Pass, detectors: [{name: line_count, model: m}]}\n"),
    ),
    Bad(
        "a detector without its model",
        "needs 'model': name one of the suite's models",
        "name one",
        suite("anomaly: {normal: Pass, detectors: [centroid]}\n"),
    ),
    Bad(
        "a study's value that is none",
        "studies: s:cnn@layers=9: ",
        "choose another",
        _study("vary: {layers: [9]}"),
    ),
    Bad(
        "a study's share above 1",
        "a share lies above 0 and is at most 1, not 2",
        "lower it",
        _study("vary: {train_share: [2]}"),
    ),
    Bad(
        "a study that is too large",
        "20,000 points, and at most 10,000 can be",
        "name fewer values",
        _study(f"vary: {{context: {list(range(100))}, epochs: {list(range(200))}}}"),
    ),
)

"""The whole table of bad input, in groups."""

import bad_corpora
import bad_suite_files
import bad_surroundings

TABLES = {
    "The suite file itself": bad_suite_files.FILE,
    "Keys": bad_suite_files.KEYS,
    "Values": bad_suite_files.VALUES,
    "Names": bad_suite_files.NAMES,
    "What does not go together": bad_suite_files.TOGETHER,
    "Corpora": bad_corpora.CORPORA,
    "Models": bad_surroundings.MODELS,
    "Stores": bad_surroundings.STORES,
    "Runs and commands": bad_surroundings.RUNS,
}

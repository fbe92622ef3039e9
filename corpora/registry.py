"""The corpus formats Logmark reads; a new one is one file and one line here.

Read with `results.registry.find` and `build`.
"""

LOADERS = {
    "folder": "corpora.folder:Folder",
    "table": "corpora.table:Table",
    "tm500": "corpora.tm500:Tm500",
}

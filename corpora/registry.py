"""The corpus formats Logmark reads; a new one is one file and one line here.

Read with `results.registry.find` and `build`.
"""

LOADERS = {
    "bgl": "corpora.alerts:AlertLog",
    "blocks": "corpora.blocks:Blocks",
    "events": "corpora.events:Events",
    "folder": "corpora.folder:Folder",
    "hadoop": "corpora.hadoop:Hadoop",
    "hdfs": "corpora.hdfs:Hdfs",
    "table": "corpora.table:Table",
    "thunderbird": "corpora.alerts:AlertLog",
    "tm500": "corpora.tm500:Tm500",
}

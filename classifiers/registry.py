"""Which classifiers there are, by the name that the suite file uses.

A classifier of the matrix is a recipe (`classifiers.fitting.Recipe`) that learns from vectors; a
reference is a network with a `fit` of its own that reads documents; `char_lm` is no classifier, but
what a reference's character embeddings are learnt with.
"""

CLASSIFIERS = {
    "random_forest": "classifiers.matrix:RandomForest",
    "decision_tree": "classifiers.matrix:DecisionTree",
    "xgboost": "classifiers.matrix:Xgboost",
    "logistic_regression": "classifiers.matrix:LogisticRegression",
    "linear_svc": "classifiers.matrix:LinearSvc",
    "embedding_cnn": "classifiers.embedding_cnn:EmbeddingCnn",
    "majority": "classifiers.matrix:Majority",
}

REFERENCES = {
    "cnn": "classifiers.residual_cnn:ResidualCnn",
}

CHAR_LM = {
    "char_lm": "classifiers.char_lm:CharLm",
}

FINETUNE = {
    "finetune": "classifiers.sequence:Finetune",
}

DETECTORS = {
    "top_k": "classifiers.top_k:TopK",
    "centroid": "classifiers.centroid:Centroid",
    "line_count": "classifiers.line_count:LineCount",
    "unseen_templates": "classifiers.unseen_templates:UnseenTemplates",
}

PRUNING = {
    "prune": "classifiers.pruning:Pruning",
}

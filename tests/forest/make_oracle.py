"""Write sklearn_forest.json: the public arrays of a small forest of scikit-learn, rows, and the scores it gives them.

Run where scikit-learn is installed; the tests read what was written.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest

FILE = Path(__file__).parent / "sklearn_forest.json"
ARRAYS = ("children_left", "children_right", "feature", "threshold", "n_node_samples")


def main() -> None:
    rows = np.random.default_rng(5).normal(size=(60, 3)).astype(np.float32)
    rows[:, 1] = np.round(rows[:, 1])
    model = IsolationForest(n_estimators=4, max_samples=32, random_state=1).fit(rows)
    asked = np.vstack([rows[:20], [[9, 9, 9]], [[0, 0, 0]]]).astype(np.float32)
    trees = [{name: getattr(one.tree_, name).tolist() for name in ARRAYS} for one in model.estimators_]
    held = {
        "features": 3,
        "max_samples": int(model.max_samples_),
        "trees": trees,
        "rows": asked.astype(float).tolist(),
        "scores": (-model.score_samples(asked)).tolist(),
    }
    FILE.write_text(json.dumps(held, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

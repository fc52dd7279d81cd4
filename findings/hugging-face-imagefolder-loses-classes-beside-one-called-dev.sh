#!/usr/bin/env bash
# Class folders of which one is called "dev": Hugging Face loads the images of that one, and none of the others.
#
# Expected: two class folders, "dev" and "ops", give one split with two classes, as torchvision's ImageFolder gives.
# Seen: a folder whose name is a word for a split (train, dev, eval, test and others) is taken for that split. As soon as
#   there is one, files outside such folders belong to no split: "ops" is not in the dataset at all, "dev" is called
#   "validation", and there is no label. No warning.
# Versions: datasets 5.2.0, pillow 13.0.0 (PyPI).
# Why it matters: "test", "dev" and "eval" are plausible classes (of screenshots, servers, boards). An importer that reads
#   the folder as classes and one that goes through `load_dataset` have different images of one folder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check datasets==5.2.0 pillow==13.0.0

cat > load.py <<'PY'
import os
import pathlib

os.environ["HF_HOME"] = os.path.abspath("cache")
os.environ["HF_HUB_OFFLINE"] = "1"
import datasets
from PIL import Image

datasets.disable_progress_bars()
found = {}
for root, other in (("usual", "qa"), ("named", "dev")):
    for number, path in enumerate((f"{other}/1.png", f"{other}/2.png", "ops/3.png", "ops/4.png")):
        file = pathlib.Path(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number, 0, 0)).save(file)
    loaded = datasets.load_dataset("imagefolder", data_dir=os.path.abspath(root))
    found[root] = {split: (loaded[split].num_rows, sorted(loaded[split].features)) for split in loaded}
    print(f"{other}/ and ops/ of two images each:", found[root])
as_seen = found["usual"] == {"train": (4, ["image", "label"])} and found["named"] == {"validation": (2, ["image"])}
raise SystemExit(0 if as_seen else 1)
PY
venv/bin/python -W ignore load.py

#!/usr/bin/env bash
# With a metadata.csv or metadata.jsonl, Hugging Face's imagefolder drops every image that has no row there.
#
# Expected: an image without a row is loaded with empty columns (it is background, or not labelled yet), or it is an error,
#   as a row without an image is.
# Seen: of three images with two rows two are loaded. The number of rows decides; the third file is not named anywhere.
# Versions: datasets 5.2.0, pillow 13.0.0 (PyPI).
# Why it matters: COCO and YOLO keep images without objects, and detectors are trained and measured on them. The same
#   images with the same labels, written as metadata, are a smaller dataset, and precision measured on it is too good.
#   Whoever writes metadata for others has to write a row for every image, with empty columns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check datasets==5.2.0 pillow==13.0.0

cat > load.py <<'PY'
import json
import os
import pathlib

os.environ["HF_HOME"] = os.path.abspath("cache")
os.environ["HF_HUB_OFFLINE"] = "1"
import datasets
from PIL import Image

datasets.disable_progress_bars()
rows = [{"file_name": "1.png", "label": "cat"}, {"file_name": "2.png", "label": "dog"}]
texts = {
    "metadata.csv": "file_name,label\n" + "".join(f"{row['file_name']},{row['label']}\n" for row in rows),
    "metadata.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
}
counts = {}
for name, text in texts.items():
    root = pathlib.Path(name.replace(".", "-"))
    root.mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(root / f"{number}.png")
    without = datasets.load_dataset("imagefolder", data_dir=str(root.resolve()))["train"].num_rows
    (root / name).write_text(text)
    counts[name] = (without, datasets.load_dataset("imagefolder", data_dir=str(root.resolve()))["train"].num_rows)
    print(f"three images: {without} are loaded; with two rows in {name}: {counts[name][1]}")
raise SystemExit(0 if set(counts.values()) == {(3, 2)} else 1)
PY
venv/bin/python -W ignore load.py

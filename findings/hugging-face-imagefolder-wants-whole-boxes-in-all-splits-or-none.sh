#!/usr/bin/env bash
# Boxes in whole pixels in one split and with fractions in another: Hugging Face's imagefolder loads neither split.
#
# Expected: JSON has one type of number (RFC 8259, section 6). A box [4, 4, 8, 8] in the training split and one of [4.5,
#   4, 8, 8] in the test split are boxes of numbers, and both splits load.
# Seen: ValueError, "have different features": the type of a column is inferred from the metadata.jsonl of each split,
#   int64 for the one and double for the other, and must be the same. The same rows in the metadata.jsonl of one split
#   load. A split whose images have no objects fails the same way: the type of an empty list is null.
# Versions: datasets 5.2.0, pillow 13.0.0 (PyPI).
# Why it matters: the documentation of imagefolder has this layout for object detection. A tool that exports labels
#   writes what people drew; one box that was moved by half a pixel, or one split of background images, costs the
#   dataset. Whoever writes metadata for others has to write 4.0 for 4 and to keep splits without objects out.
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
whole, fraction, none = [[4, 4, 8, 8]], [[4.5, 4, 8, 8]], []
folders = {
    "whole and whole": {"train": [whole], "test": [whole]},
    "whole and fraction": {"train": [whole], "test": [fraction]},
    "whole and none": {"train": [whole], "test": [none]},
    "whole, fraction and none in one split": {"train": [whole, fraction, none]},
}
for name, splits in folders.items():
    for split, images in splits.items():
        folder = pathlib.Path(name, split)
        folder.mkdir(parents=True)
        with open(folder / "metadata.jsonl", "w") as file:
            for number, boxes in enumerate(images):
                Image.new("RGB", (16, 16), (number, 0, 0)).save(folder / f"{number}.png")
                objects = {"bbox": boxes, "categories": [0] * len(boxes)}
                file.write(json.dumps({"file_name": f"{number}.png", "objects": objects}) + "\n")
    try:
        loaded = datasets.load_dataset("imagefolder", data_dir=os.path.abspath(name))
        outcome = str({split: loaded[split].num_rows for split in loaded})
    except ValueError as error:
        outcome = "ValueError, different features" if "have different features" in str(error) else repr(error)
    print(f"{name}: {outcome}")
PY
timeout 240 venv/bin/python -W ignore load.py | tee seen
cat > expected <<'TEXT'
whole and whole: {'train': 1, 'test': 1}
whole and fraction: ValueError, different features
whole and none: ValueError, different features
whole, fraction and none in one split: {'train': 3}
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }

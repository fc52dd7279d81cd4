#!/usr/bin/env bash
# A COCO file that globox writes, measured by pycocotools: perfect detections reach an AP of 0.25 instead of 1.
#
# Expected: detections that are equal to the annotations have an average precision of 1.
# Seen: globox numbers annotations from 0 (`save_coco(auto_ids=True)`). COCOeval notes the id of the annotation that a
#   detection matched, and takes 0 for "none", so the annotation 0 is always missed and its detection always wrong.
#   With two annotations the AP is 0.252.
# Versions: globox 2.9.0, pycocotools 2.0.11, numpy 2.4.6 (PyPI).
# Why it matters: "id" has no lower bound in COCO's description, and several tools begin at 0. An importer that keeps
#   the ids hands every trainer a measure that is too low, by as much as one object weighs. On a small set that is much.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check globox==2.9.0 pycocotools==2.0.11 numpy==2.4.6

cat > measure.py <<'PY'
import contextlib
import io
import json

from globox import Annotation, AnnotationSet, BoundingBox
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

BOXES = {"a.png": (1, 1, 41, 41), "b.png": (2, 2, 52, 52)}
AnnotationSet(
    Annotation(name, (100, 100), [BoundingBox(label="cat", xmin=x, ymin=y, xmax=x2, ymax=y2)])
    for name, (x, y, x2, y2) in BOXES.items()
).save_coco("written.json", auto_ids=True)


def ap(path):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(path)
        found = [
            {key: one[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9}
            for one in truth.dataset["annotations"]
        ]
        measured = COCOeval(truth, truth.loadRes(found), "bbox")
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    return round(float(measured.stats[0]), 3)


written = json.load(open("written.json"))
ids = [one["id"] for one in written["annotations"]]
of_globox = ap("written.json")
for one in written["annotations"]:
    one["id"] += 1
json.dump(written, open("from_one.json", "w"))
from_one = ap("from_one.json")
print(f"ids as globox writes them: {ids}, AP of perfect detections: {of_globox}")
print(f"the same file with ids from 1: AP {from_one}")
raise SystemExit(0 if ids == [0, 1] and of_globox < 0.3 and from_one == 1.0 else 1)
PY
venv/bin/python measure.py

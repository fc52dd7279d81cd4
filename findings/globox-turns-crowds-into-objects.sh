#!/usr/bin/env bash
# globox reads a COCO file and writes it again: regions of a crowd become ordinary objects.
#
# Expected: "iscrowd": 1 marks a region that holds more objects than could be drawn. It is not counted as an object,
#   and detections in it count neither way. A round trip keeps the mark, or leaves the region out.
# Seen: `from_coco` drops the mark and keeps the box, `save_coco` writes "iscrowd": 0. Perfect detections of the real
#   objects, which had an average recall of 1, now miss one "object" an image.
# Versions: globox 2.9.0, pycocotools 2.0.11, numpy 2.4.6 (PyPI).
# Why it matters: COCO itself has some ten thousand crowds. A set that went through a converter measures otherwise
#   than its source, and a detector learns to draw one box around a crowd.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check globox==2.9.0 pycocotools==2.0.11 numpy==2.4.6

cat > trip.py <<'PY'
import contextlib
import io
import json

from globox import AnnotationSet
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

source = {
    "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 200}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0,
         "segmentation": [[10, 10, 50, 10, 50, 50, 10, 50]]},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [100, 100, 80, 80], "area": 6400, "iscrowd": 1,
         "segmentation": {"size": [200, 200], "counts": [40000]}},
    ],
    "categories": [{"id": 1, "name": "person"}],
}
json.dump(source, open("source.json", "w"))
AnnotationSet.from_coco("source.json").save_coco("trip.json", auto_ids=True)
trip = json.load(open("trip.json"))
for one in trip["annotations"]:
    one["id"] += 1  # Ids from 0 are another matter.
json.dump(trip, open("trip.json", "w"))


def recall(path):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(path)
        found = [{"image_id": truth.getImgIds()[0], "category_id": 1, "bbox": [10, 10, 40, 40], "score": 0.9}]
        measured = COCOeval(truth, truth.loadRes(found), "bbox")
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    return round(float(measured.stats[8]), 3)


marks = [one["iscrowd"] for one in trip["annotations"]]
before, after = recall("source.json"), recall("trip.json")
print("iscrowd before [0, 1], after the round trip", marks)
print(f"average recall of perfect detections: {before} before, {after} after")
raise SystemExit(0 if marks == [0, 0] and before == 1.0 and after == 0.5 else 1)
PY
venv/bin/python trip.py

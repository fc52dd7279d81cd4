#!/usr/bin/env bash
# supervision's mask of a COCO polygon is a pixel wider and higher than pycocotools' mask of the same polygon.
#
# Expected: the square from (20, 20) to (24, 24) has an area of 16, as `area` in the file says, and covers 16 pixels, as
#   with pycocotools, the format's own library.
# Seen: supervision's DetectionDataset.from_coco fills the polygon with its outline: 25 pixels. The `area` that it hands
#   on beside the mask is 16 still. For a square of 40 pixels' width it is 1681 instead of 1600.
# Versions: supervision 0.31.2, pycocotools 2.0.11, numpy 2.4.6, pillow 13.0.0 (PyPI).
# Why it matters: masks that one tool made from labels and the other measures do not fit: the perfect mask of a small
#   object has an IoU of 0.64, which is a miss at COCO's thresholds from 0.65 on.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check supervision==0.31.2 pycocotools==2.0.11 numpy==2.4.6 pillow==13.0.0

cat > masks.py <<'PY'
import json
import os

import numpy
import supervision
from PIL import Image
from pycocotools.coco import COCO

os.mkdir("images")
Image.new("RGB", (100, 100)).save("images/1.png")
annotations = []
for number, (start, width) in enumerate(((20, 4), (50, 40)), 1):
    end = start + width
    annotations.append(
        {
            "id": number,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": width * width,
            "bbox": [start, start, width, width],
            "segmentation": [[start, start, end, start, end, end, start, end]],
        }
    )
images = [{"id": 1, "file_name": "1.png", "width": 100, "height": 100}]
with open("labels.json", "w") as file:
    json.dump({"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": annotations}, file)

coco = COCO("labels.json")
[(_, _, detections)] = supervision.DetectionDataset.from_coco("images", "labels.json", force_masks=True)
for annotation, mask, area in zip(annotations, detections.mask, detections.data["area"], strict=True):
    other = coco.annToMask(annotation).astype(bool)
    overlap = numpy.sum(mask & other) / numpy.sum(mask | other)
    print(f"area {annotation['area']}: pycocotools {other.sum()} pixels, supervision {mask.sum()} (area {area:.0f}), IoU {overlap:.2f}")
PY
timeout 120 venv/bin/python -W ignore masks.py | grep '^area' | tee seen
cat > expected <<'TEXT'
area 16: pycocotools 16 pixels, supervision 25 (area 16), IoU 0.64
area 1600: pycocotools 1600 pixels, supervision 1681 (area 1600), IoU 0.95
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }

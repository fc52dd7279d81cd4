#!/usr/bin/env bash
# An object of two parts in a COCO file: supervision exports it to YOLO and Pascal VOC as two objects.
#
# Expected: COCO's `segmentation` is a list of polygons, as "single object may consist of multiple polygons, for example
#   when occluded" (its description of the format). A car behind a post is one car in every format, with one box.
# Seen: supervision reads it as one object and writes it to COCO as one. as_yolo writes a line, and as_pascal_voc an
#   <object>, for each polygon; neither says so. Read back, the folder has two cars, each with a box of its own.
# Versions: supervision 0.31.2, pillow 13.0.0 (PyPI).
# Why it matters: a detector that is trained on the YOLO export learns to see the pieces of what is partly hidden, and
#   one that finds the whole car is counted as wrong against it. Counts of objects differ between exports of one
#   dataset.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check supervision==0.31.2 pillow==13.0.0

cat > export.py <<'PY'
import json
import os

from PIL import Image
from supervision import DetectionDataset

os.mkdir("images")
Image.new("RGB", (100, 100)).save("images/1.png")
labels = {
    "images": [{"id": 1, "file_name": "1.png", "width": 100, "height": 100}],
    "categories": [{"id": 1, "name": "car"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": 800,
            "bbox": [10, 10, 50, 20],
            "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30], [40, 10, 60, 10, 60, 30, 40, 30]],
        }
    ],
}
with open("labels.json", "w") as file:
    json.dump(labels, file)

read = DetectionDataset.from_coco("images", "labels.json", force_masks=True)
read.as_coco(annotations_path="again.json")
read.as_yolo(annotations_directory_path="yolo", data_yaml_path="data.yaml")
read.as_pascal_voc(annotations_directory_path="voc")
copies = {
    "COCO": read,
    "COCO again": DetectionDataset.from_coco("images", "again.json"),
    "YOLO": DetectionDataset.from_yolo("images", "yolo", "data.yaml"),
    "Pascal VOC": DetectionDataset.from_pascal_voc("images", "voc"),
}
for name, dataset in copies.items():
    [(_, _, detections)] = dataset
    print(f"{name}: {len(detections)}, from x = {sorted(detections.xyxy[:, 0].round().astype(int).tolist())}")
PY
timeout 120 venv/bin/python -W ignore export.py | tee seen
cat > expected <<'TEXT'
COCO: 1, from x = [10]
COCO again: 1, from x = [10]
YOLO: 2, from x = [10, 40]
Pascal VOC: 2, from x = [10, 40]
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }

#!/usr/bin/env bash
# PyLabel writes the last box of an image twice if the next image has none.
#
# Expected: a COCO file of three images, of which the second has no box, is read and written as COCO: two boxes remain
#   two.
# Seen: the export has three. The box of the first image is in it twice, with one id; the image without boxes is listed
#   as it should be. No warning.
# Versions: pylabel 0.1.55, pandas 2.3.3 (PyPI).
# Why it matters: images without objects are kept on purpose, as background. The export of a dataset with many of them
#   has many boxes twice, and a detector that finds each object once misses, by the count, as many as were added.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pylabel==0.1.55 pandas==2.3.3

cat > export.py <<'PY'
import json
import os

from pylabel import importer

os.mkdir("images")
annotations = [
    {"id": number, "image_id": number, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0, "segmentation": []}
    for number in (1, 3)
]
images = [{"id": number, "file_name": f"{number}.png", "width": 100, "height": 80} for number in (1, 2, 3)]
with open("before.json", "w") as file:
    json.dump({"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": annotations}, file)
importer.ImportCoco("before.json", path_to_images="images", name="example").export.ExportToCoco(output_path="after.json")
for name in ("before", "after"):
    with open(f"{name}.json") as file:
        written = json.load(file)
    owners = [annotation["image_id"] for annotation in written["annotations"]]
    ids = {annotation["id"] for annotation in written["annotations"]}
    print(f"{name}: {len(written['images'])} images, boxes of the images {owners}, {len(ids)} ids")
PY
timeout 120 venv/bin/python -W ignore export.py 2> errors | tee seen || { cat errors; exit 1; }
cat > expected <<'TEXT'
before: 3 images, boxes of the images [1, 3], 2 ids
after: 3 images, boxes of the images [1, 1, 3], 2 ids
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }

#!/usr/bin/env bash
# labelformat writes COCO files whose annotations have no id; pycocotools cannot open them.
#
# Expected: the COCO format has `id`, `area` and `iscrowd` for each annotation, and pycocotools is its own library. A
#   file that is read as COCO and written as COCO can be used as before.
# Seen: the annotations that labelformat writes have image_id, category_id and bbox alone, also where the file that it
#   read had the rest: COCO(...) raises KeyError: 'id'. Two categories and a crowd are read without a word; of the crowd
#   an ordinary box remains.
# Versions: labelformat 0.1.17, pycocotools 2.0.11 (PyPI).
# Why it matters: whatever measures with pycocotools, which is what most detectors' trainers do, stops at the first
#   line. An importer that wants to take such files has to make up ids, and cannot know which boxes were regions of a
#   crowd.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check labelformat==0.1.17 pycocotools==2.0.11

cat > write.py <<'PY'
import json

boxes = {"bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0, "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]]}
crowd = {"bbox": [50, 50, 30, 30], "area": 900, "iscrowd": 1, "segmentation": {"size": [80, 100], "counts": [4050, 30, 50, 30, 3840]}}
labels = {
    "images": [{"id": 1, "file_name": "1.png", "width": 100, "height": 80}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [{"id": number, "image_id": 1, "category_id": number, **part} for number, part in ((1, boxes), (2, crowd))],
}
with open("before.json", "w") as file:
    json.dump(labels, file)
PY
cat > read.py <<'PY'
import contextlib
import io
import json

from pycocotools.coco import COCO

for name in ("before", "after"):
    with open(f"{name}.json") as file:
        annotations = json.load(file)["annotations"]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            outcome = f"{len(COCO(f'{name}.json').anns)} annotations"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
    print(f"{name}: {len(annotations)} with {', '.join(sorted(set().union(*annotations)))}")
    print(f"{name}: pycocotools: {outcome}")
PY
venv/bin/python write.py
timeout 60 venv/bin/labelformat convert --task object-detection --input-format coco --input-file before.json \
  --output-format coco --output-file after.json > /dev/null 2>&1
timeout 60 venv/bin/python read.py | tee seen
cat > expected <<'TEXT'
before: 2 with area, bbox, category_id, id, image_id, iscrowd, segmentation
before: pycocotools: 2 annotations
after: 2 with bbox, category_id, image_id
after: pycocotools: KeyError: 'id'
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }

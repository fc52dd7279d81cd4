#!/usr/bin/env bash
# Where two annotations of a COCO file have one id, pycocotools gives the box of one image for another.
#
# Expected: `getAnnIds(imgIds=…)` and `loadAnns`, the documented way to the annotations of an image, give those whose
#   "image_id" is that image; or the file is refused.
# Seen: the index from ids to annotations keeps the last of two. For image 1 the box of image 2 comes back, without a
#   warning. `imgToAnns[1]`, which some trainers use instead, has the right one: two readers of one file disagree.
# Versions: pycocotools 2.0.11 (PyPI).
# Why it matters: files that are put together from parts, and published sets, repeat ids. Whoever imports them by
#   counting or by `imgToAnns` sees nothing wrong; training through `loadAnns` learns boxes of other images.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pycocotools==2.0.11 numpy==2.4.6

cat > look.py <<'PY'
import contextlib
import io
import json

from pycocotools.coco import COCO

box = lambda image, x: {"id": 7, "image_id": image, "category_id": 1, "bbox": [x, x, 20, 20], "area": 400, "iscrowd": 0}
json.dump({
    "images": [{"id": n, "file_name": f"{n}.png", "width": 100, "height": 100} for n in (1, 2)],
    "annotations": [box(1, 10), box(2, 50)],
    "categories": [{"id": 1, "name": "cat"}],
}, open("merged.json", "w"))
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO("merged.json")
by_ids = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
by_image = coco.imgToAnns[1]
print("image 1 by getAnnIds and loadAnns:", [(one["image_id"], one["bbox"]) for one in by_ids])
print("image 1 by imgToAnns:             ", [(one["image_id"], one["bbox"]) for one in by_image])
raise SystemExit(0 if by_ids[0]["image_id"] == 2 and by_image[0]["image_id"] == 1 else 1)
PY
venv/bin/python look.py

#!/usr/bin/env bash
# A turned rectangle of Label Studio lies in three different places in its OBB, YOLO and COCO exports.
#
# Expected: the upright boxes of YOLO and COCO enclose the turned one, whose corners the OBB export gives.
# Seen below: the three disagree. YOLO and COCO do not enclose the corners, and differ from each other.
# Versions: label-studio-sdk 2.1.2 (PyPI), the converter behind Label Studio's own export.
# Why it matters: which pixels a box means depends on the export that was chosen. An importer can find no error: each
#   file is valid by itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check label-studio-sdk==2.1.2

cat > export.py <<'PY'
import json
import pathlib

from label_studio_sdk.converter import Converter

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="cat"/></RectangleLabels></View>"""
WIDTH, HEIGHT = 400, 200
value = {"x": 50, "y": 30, "width": 20, "height": 10, "rotation": 45, "rectanglelabels": ["cat"]}
region = {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value,
          "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
task = {"id": 1, "data": {"image": "/data/upload/1/a.png"}, "annotations": [{"id": 1, "result": [region]}]}
json.dump([task], open("project.json", "w"))
converter = Converter(CONFIG, project_dir=".", download_resources=False)
for kind in ("COCO", "YOLO", "YOLO_OBB"):
    converter.convert("project.json", kind, kind, is_dir=False)
line = lambda kind: [float(number) for number in pathlib.Path(kind, "labels/a.txt").read_text().split()[1:]]
corners = line("YOLO_OBB")
xs, ys = [x * WIDTH for x in corners[::2]], [y * HEIGHT for y in corners[1::2]]
x, y, width, height = line("YOLO")
left, top, wide, high = json.load(open("COCO/result.json"))["annotations"][0]["bbox"]
boxes = {
    "OBB, around its corners": (min(xs), min(ys), max(xs), max(ys)),
    "YOLO": ((x - width / 2) * WIDTH, (y - height / 2) * HEIGHT, (x + width / 2) * WIDTH, (y + height / 2) * HEIGHT),
    "COCO": (left, top, left + wide, top + high),
}
boxes = {kind: tuple(round(number, 1) for number in box) for kind, box in boxes.items()}
for kind, box in boxes.items():
    print(f"{kind}: from {box[:2]} to {box[2:]}")
print("different boxes:", len(set(boxes.values())))
raise SystemExit(0 if len(set(boxes.values())) == 3 else 1)
PY
venv/bin/python -W ignore export.py

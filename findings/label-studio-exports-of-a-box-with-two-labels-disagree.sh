#!/usr/bin/env bash
# A box of Label Studio that has two labels: YOLO exports it as two boxes, COCO and VOC as one of the first class.
#
# Expected: the exports of one project give a box the same classes.
# Seen: with `choice="multiple"` a region may be both "cat" and "wet". YOLO has two lines with the same numbers; COCO
#   and VOC keep the label that was clicked first and drop the other without a word.
# Versions: label-studio-sdk 2.1.2 (PyPI), the converter behind Label Studio's own export.
# Why it matters: which classes an image has depends on the format that somebody chose for the export. A class that is
#   always clicked second is in the list of categories of the COCO file and has no box there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check label-studio-sdk==2.1.2

cat > export.py <<'PY'
import json
import pathlib
import re

from label_studio_sdk.converter import Converter

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image" choice="multiple">
<Label value="cat"/><Label value="wet"/></RectangleLabels></View>"""
value = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["cat", "wet"]}
region = {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value,
          "original_width": 200, "original_height": 100, "image_rotation": 0}
task = {"id": 1, "data": {"image": "/data/upload/1/a.png"}, "annotations": [{"id": 1, "result": [region]}]}
json.dump([task], open("project.json", "w"))
converter = Converter(CONFIG, project_dir=".", download_resources=False)
for kind in ("COCO", "YOLO", "VOC"):
    converter.convert("project.json", kind, kind, is_dir=False)
coco = json.load(open("COCO/result.json"))
names = {category["id"]: category["name"] for category in coco["categories"]}
classes = pathlib.Path("YOLO/classes.txt").read_text().split()
lines = pathlib.Path("YOLO/labels/a.txt").read_text().split("\n")
found = {
    "COCO": [names[one["category_id"]] for one in coco["annotations"]],
    "YOLO": [classes[int(line.split()[0])] for line in lines if line],
    "VOC": re.findall(r"<object>\s*<name>(.*?)</name>", pathlib.Path("VOC/Annotations/a.xml").read_text()),
}
for kind, own in found.items():
    print(kind, own)
print("categories of COCO:", sorted(names.values()))
raise SystemExit(0 if found == {"COCO": ["cat"], "YOLO": ["cat", "wet"], "VOC": ["cat"]} else 1)
PY
venv/bin/python -W ignore export.py

#!/usr/bin/env bash
# A task of Label Studio that two people annotated: its COCO export has both people's boxes, its YOLO and VOC exports
# have the last person's alone.
#
# Expected: the exports of one project describe the same boxes, or say that they leave some out.
# Seen: COCO lists the image twice, under two ids and one file name, with three boxes in all. YOLO and VOC write one
#   file an image, and each annotation overwrites the one before: the cat that only the first person saw is gone.
#   The last to submit decides, without a warning.
# Versions: label-studio-sdk 2.1.2 (PyPI), the converter behind Label Studio's own export.
# Why it matters: projects with an overlap of annotators are usual. An importer of COCO must take two entries of one
#   file name for one image; an importer of YOLO sees a smaller dataset of the same project and cannot know it.
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

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="cat"/><Label value="zebra"/></RectangleLabels></View>"""


def box(x, label):
    value = {"x": x, "y": x, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": [label]}
    return {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value,
            "original_width": 200, "original_height": 100, "image_rotation": 0}


task = {"id": 1, "data": {"image": "/data/upload/1/a.png"}, "annotations": [
    {"id": 1, "completed_by": 1, "result": [box(10, "zebra"), box(60, "cat")]},
    {"id": 2, "completed_by": 2, "result": [box(11, "zebra")]},
]}
json.dump([task], open("project.json", "w"))
converter = Converter(CONFIG, project_dir=".", download_resources=False)
for kind in ("COCO", "YOLO", "VOC"):
    converter.convert("project.json", kind, kind, is_dir=False)
coco = json.load(open("COCO/result.json"))
names = [image["file_name"] for image in coco["images"]]
yolo = pathlib.Path("YOLO/labels/a.txt").read_text().split("\n")
yolo = [line for line in yolo if line]
voc = re.findall(r"<object>\s*<name>(.*?)</name>", pathlib.Path("VOC/Annotations/a.xml").read_text())
print("COCO: images", names, "and", len(coco["annotations"]), "boxes")
print("YOLO: lines", yolo)
print("VOC: objects", voc)
as_seen = len(names) == 2 and len(set(names)) == 1 and len(coco["annotations"]) == 3
raise SystemExit(0 if as_seen and len(yolo) == 1 and voc == ["zebra"] else 1)
PY
venv/bin/python -W ignore export.py

#!/usr/bin/env bash
# labelformat and PyLabel keep COCO's category ids in their YOLO exports, and a cat is read as a dog.
#
# Expected: the ids of COCO's categories are free, and have gaps in COCO itself (80 categories, ids up to 90). The
#   classes of a YOLO file are indexes that start with 0, below `nc`. A converter translates one into the other.
# Seen: both write the ids as they are. Of categories 3 and 7 the lines begin with 3 and 7, and the YAML file says `nc:
#   2`; supervision refuses that. Of categories 1 to 3, cat, dog and emu, of which the last has no box, labelformat's
#   export is read without a complaint, and a cat is a dog and a dog an emu in it; PyLabel's names leave out the emu, so
#   that its export is refused. supervision's own export has the classes 0 and 1. PyLabel renumbers if told to
#   (cat_id_index=0).
# Versions: labelformat 0.1.17, pylabel 0.1.55, pandas 2.3.3, supervision 0.31.2, pillow 13.0.0 (PyPI).
# Why it matters: neither converter says anything. The error comes from the next tool, or not at all, and then a
#   detector is trained on wrong names.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for name in labelformat==0.1.17 'pylabel==0.1.55 pandas==2.3.3' 'supervision==0.31.2 pillow==13.0.0'; do
  python3 -m venv "${name%%==*}"
  # shellcheck disable=SC2086
  "${name%%==*}/bin/pip" install -q --disable-pip-version-check $name
done

cat > write.py <<'PY'
import json
import os

from PIL import Image

os.mkdir("images")
Image.new("RGB", (100, 100)).save("images/1.png")
for name, categories in (("gap", {3: "cat", 7: "dog"}), ("from-1", {1: "cat", 2: "dog", 3: "emu"})):
    annotations = [
        {"id": n, "image_id": 1, "category_id": category, "bbox": [20 * n, 10, 20, 20], "area": 400, "iscrowd": 0, "segmentation": []}
        for n, category in enumerate(list(categories)[:2], 1)
    ]
    labels = {
        "images": [{"id": 1, "file_name": "1.png", "width": 100, "height": 100}],
        "categories": [{"id": category, "name": word} for category, word in categories.items()],
        "annotations": annotations,
    }
    with open(f"{name}.json", "w") as file:
        json.dump(labels, file)
PY
cat > by-pylabel.py <<'PY'
import sys

from pylabel import importer

name, folder = sys.argv[1:]
dataset = importer.ImportCoco(f"{name}.json", path_to_images="images", name="example")
dataset.export.ExportToYoloV5(output_path=f"{folder}/labels", yaml_file="data.yaml", copy_images=False)
PY
cat > read.py <<'PY'
import pathlib

from supervision import DetectionDataset

for name in ("gap", "from-1"):
    own = pathlib.Path(f"{name}-supervision")
    DetectionDataset.from_coco("images", f"{name}.json").as_yolo(
        annotations_directory_path=str(own / "labels"), data_yaml_path=str(own / "data.yaml")
    )
    for tool in ("labelformat", "pylabel", "supervision"):
        folder = pathlib.Path(f"{name}-{tool}")
        classes = [line.split()[0] for line in (folder / "labels" / "1.txt").read_text().splitlines() if line.strip()]
        [count] = [line for line in (folder / "data.yaml").read_text().splitlines() if line.startswith("nc:")]
        try:
            dataset = DetectionDataset.from_yolo("images", str(folder / "labels"), str(folder / "data.yaml"))
            [(_, _, detections)] = dataset
            outcome = ", ".join(dataset.classes[number] for number in detections.class_id)
        except ValueError as error:
            outcome = "refused" if "outside the valid range" in str(error) else str(error)
        print(f"{name}: {tool}: classes {' '.join(classes)}, {count}, read by supervision: {outcome}")
PY
supervision/bin/python write.py
for name in gap from-1; do
  timeout 60 labelformat/bin/labelformat convert --task object-detection --input-format coco --input-file "$name.json" \
    --output-format yolov8 --output-file "$name-labelformat/data.yaml" --output-split train > /dev/null 2>&1
  mkdir -p "$name-pylabel/labels"
  timeout 60 pylabel/bin/python -W ignore by-pylabel.py "$name" "$name-pylabel" > /dev/null 2>&1
done
timeout 60 supervision/bin/python -W ignore read.py | tee seen
cat > expected <<'TEXT'
gap: labelformat: classes 3 7, nc: 2, read by supervision: refused
gap: pylabel: classes 3 7, nc: 2, read by supervision: refused
gap: supervision: classes 0 1, nc: 2, read by supervision: cat, dog
from-1: labelformat: classes 1 2, nc: 3, read by supervision: dog, emu
from-1: pylabel: classes 1 2, nc: 2, read by supervision: refused
from-1: supervision: classes 0 1, nc: 3, read by supervision: cat, dog
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }

//! Which tool wrote a JSON file, by its layout.
//!
//! Promise: a layout that is not read is named with its remedy; nothing is taken for what it only resembles.

use std::cell::Cell;

use serde::de::DeserializeSeed;

use super::glimpse::{Glimpse, Look};
use super::{Position, Watched, refusal};
use crate::kind::{JSON_LINES, has_extension, is_image};
use crate::shape::File;
use crate::source::Source;
use crate::table::{is_certain_image_column, is_image_column, is_label_column};
use crate::{Problem, Refusal};

/// What a JSON file is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonKind {
    /// COCO's annotations.
    Coco,
    /// A table of labels, as this tool writes it.
    Labels(Tool),
    /// Annotations that are not read: of which tool, and the remedy.
    Foreign(String),
    /// No JSON, or broken.
    Broken(Problem),
    /// Something that says nothing of images.
    Other,
}

/// Who writes a table of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// JSON Lines: an object on each line.
    Lines,
    /// A list of objects: image and label, Create ML, BDD100K, Label Studio's JSON-MIN.
    Records,
    /// Label Studio.
    LabelStudio,
    /// `FiftyOne`: `{"classes": […], "labels": {NAME: …}}`.
    FiftyOne,
    /// `{"1.png": "cat"}`.
    ByImage,
}

/// Looks at a JSON or JSON Lines file.
pub(crate) fn kind_of(file: &File, source: &mut Source<'_>) -> Result<JsonKind, Refusal> {
    if file.size == 0 {
        let text = "is empty: write it again, or leave it out";
        return Ok(JsonKind::Broken(Problem::of(&file.path, text)));
    }
    let position = Position::default();
    let (seen, is_coco) = (Cell::new(0), Cell::new(false));
    let reader = Watched::new(source.open(file)?, &position, u32::MAX);
    let mut json = serde_json::Deserializer::from_reader(reader);
    let is_lines = has_extension(&file.path, JSON_LINES);
    let looked = Look::new(&seen, &is_coco).deserialize(&mut json);
    let glimpse = match looked {
        Ok(glimpse) => glimpse,
        Err(_) if is_coco.get() => return Ok(JsonKind::Coco),
        Err(error) => return broken(refusal(&file.path, error)),
    };
    let is_object = matches!(glimpse, Glimpse::Object(_));
    if is_object && is_lines {
        return Ok(of_line(&glimpse));
    }
    match json.end() {
        Ok(()) => Ok(of_file(&glimpse)),
        Err(error) => {
            // JSON Lines under the name of JSON.
            let next = is_object.then(|| Look::new(&seen, &is_coco).deserialize(&mut json));
            match next {
                Some(Ok(Glimpse::Object(_) | Glimpse::Unseen)) => Ok(of_line(&glimpse)),
                _ => broken(refusal(&file.path, error)),
            }
        }
    }
}

fn broken(refusal: Refusal) -> Result<JsonKind, Refusal> {
    match &refusal {
        Refusal::Problems(problems) => match problems.iter().next() {
            Some(problem) => Ok(JsonKind::Broken(problem.clone())),
            None => Err(refusal),
        },
        Refusal::Unreadable { .. } => Err(refusal),
    }
}

/// What to do with annotations of a tool that can export others.
const EXPORT: &str = "export the annotations as COCO or YOLO";
/// What to do with annotations of an unknown layout.
const TABLE: &str = "write a labels.csv with the columns filename and label";

fn foreign(what: &str, remedy: &str) -> JsonKind {
    JsonKind::Foreign(format!("is {what}, which is not read: {remedy}"))
}

fn of_file(file: &Glimpse) -> JsonKind {
    match file {
        Glimpse::List(Some(first)) => of_list(first),
        Glimpse::Object(_) => of_object(file),
        _ => JsonKind::Other,
    }
}

fn of_list(first: &Glimpse) -> JsonKind {
    let has = |names: &[&str]| first.has(names);
    if has(&["data", "annotations"]) || has(&["data", "completions"]) {
        return JsonKind::Labels(Tool::LabelStudio);
    }
    if has(&["data", "predictions"]) {
        return foreign("a list of predictions of Label Studio", "export the annotations");
    }
    if has(&["image_id", "category_id"]) {
        let remedy =
            "give the annotation file, with \"images\", \"annotations\" and \"categories\"";
        return foreign("a list of results or annotations of COCO without its images", remedy);
    }
    if is_labelbox(first) {
        return foreign("an export of Labelbox", EXPORT);
    }
    if is_record(first) {
        return JsonKind::Labels(Tool::Records);
    }
    of_texts(first)
}

fn of_line(first: &Glimpse) -> JsonKind {
    if is_labelbox(first) {
        return foreign("an export of Labelbox", EXPORT);
    }
    if first.has(&["source-ref"]) {
        return foreign("an augmented manifest of SageMaker Ground Truth", TABLE);
    }
    if first.has(&["messages"]) || first.has(&["prefix", "suffix"]) {
        return foreign("a file of prompts and answers for a language model", TABLE);
    }
    if is_record(first) {
        return JsonKind::Labels(Tool::Lines);
    }
    of_texts(first)
}

fn is_labelbox(first: &Glimpse) -> bool {
    first.has(&["data_row"]) || first.has(&["External ID"]) || first.has(&["Labeled Data"])
}

/// Whether an object names an image and has a label, or a list of objects that may have one.
fn is_record(first: &Glimpse) -> bool {
    let Glimpse::Object(entries) = first else { return false };
    let names = |is: fn(&str) -> bool| entries.iter().any(|(name, _)| is(name));
    let has_label = names(is_label_column);
    has_label && has_image(entries) || names_image(entries) && (has_label || names(is_label_list))
}

/// Whether a member is for the image: by its name alone, or because its value ends like an image's name, too.
fn names_image(entries: &[(String, Glimpse)]) -> bool {
    entries.iter().any(|(name, value)| match value {
        Glimpse::Text(text) => {
            is_certain_image_column(name) || (is_image_column(name) && is_image(text))
        }
        _ => false,
    })
}

/// Whether a member's value ends like an image's name and its own name speaks of images or places (`image_url`).
fn has_image(entries: &[(String, Glimpse)]) -> bool {
    let speaks = |name: &str| {
        ["image", "img", "url", "uri", "path", "file"].iter().any(|word| name.contains(word))
    };
    entries.iter().any(|(name, value)| match value {
        Glimpse::Text(text) => is_image(text) && speaks(&name.to_lowercase()),
        _ => false,
    })
}

/// Under which names an object has a list of annotations.
fn is_label_list(name: &str) -> bool {
    matches!(name, "annotations" | "annotation" | "objects" | "labels")
}

fn of_object(file: &Glimpse) -> JsonKind {
    if let Some(what) = tool_of(file) {
        return foreign(what, EXPORT);
    }
    let is_object = |name| matches!(file.get(name), Some(Glimpse::Object(_)));
    if is_object("labels") && file.has(&["classes"]) {
        return JsonKind::Labels(Tool::FiftyOne);
    }
    let may_be_list = |name| file.get(name).is_some_and(|value| !matches!(value, Glimpse::Text(_)));
    if may_be_list("images") || may_be_list("annotations") {
        return JsonKind::Coco;
    }
    if is_by_image(file) {
        return JsonKind::Labels(Tool::ByImage);
    }
    of_texts(file)
}

/// The tool whose layout is not read.
fn tool_of(file: &Glimpse) -> Option<&'static str> {
    let has = |names: &[&str]| file.has(names);
    let Glimpse::Object(entries) = file else { return None };
    let is_via = |(_, value): &(String, Glimpse)| value.has(&["filename", "regions"]);
    if has(&["_via_img_metadata"]) || has(&["_via_settings"]) || entries.iter().any(is_via) {
        return Some("a project or export of VIA (VGG Image Annotator)");
    }
    if has(&["project", "config", "file", "metadata"]) {
        return Some("a project of VIA 3");
    }
    if has(&["shapes", "imagePath"]) {
        return Some("a file of labelme");
    }
    if has(&["samples"]) {
        return Some("samples of FiftyOne (FiftyOneDataset)");
    }
    if has(&["objects", "size"]) || has(&["classes", "tags", "projectType"]) || is_meta(file) {
        return Some("a file of Supervisely");
    }
    if has(&["asset", "regions"]) || has(&["assets", "tags"]) {
        return Some("a file of VoTT");
    }
    if has(&["categories", "items"]) {
        return Some("a file of Datumaro");
    }
    if has(&["item", "annotations"]) || has(&["dataset", "image", "annotations"]) {
        return Some("a file of V7 Darwin");
    }
    if has(&["openlabel"]) {
        return Some("a file of OpenLABEL");
    }
    if has(&["imgHeight", "imgWidth", "objects"]) {
        return Some("a file of Cityscapes");
    }
    has(&["imgs"]).then_some("a file of TT100K")
}

fn is_meta(file: &Glimpse) -> bool {
    file.get("classes").and_then(Glimpse::first).is_some_and(|first| first.has(&["title", "shape"]))
}

/// Whether the names are those of images, and the values labels.
fn is_by_image(file: &Glimpse) -> bool {
    let Glimpse::Object(entries) = file else { return false };
    let is_label = |value: &Glimpse| match value {
        Glimpse::Text(_) | Glimpse::Number | Glimpse::Nothing => true,
        Glimpse::List(first) => {
            first.as_deref().is_none_or(|first| matches!(first, Glimpse::Text(_)))
        }
        _ => false,
    };
    !entries.is_empty() && entries.iter().all(|(name, value)| is_image(name) && is_label(value))
}

/// Whatever names images and is of no known layout is not passed over.
fn of_texts(seen: &Glimpse) -> JsonKind {
    if let Glimpse::Object(entries) = seen
        && entries.iter().any(|(name, value)| {
            is_image_column(name) && value.texts().iter().any(|text| is_image(text))
        })
    {
        let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).take(8).collect();
        let text = format!(
            "has no class for each image, only {}: add a member \"label\"",
            crate::shown(&names.join(", "))
        );
        return JsonKind::Foreign(text);
    }
    match seen.texts().into_iter().find(|text| is_image(text)) {
        Some(image) => {
            let what = format!("a JSON file of an unknown layout that names images ({image})");
            foreign(&what, TABLE)
        }
        None => JsonKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> JsonKind {
        let (seen, is_coco) = (Cell::new(0), Cell::new(false));
        let mut json = serde_json::Deserializer::from_str(text);
        match Look::new(&seen, &is_coco).deserialize(&mut json) {
            Ok(glimpse) => of_file(&glimpse),
            Err(_) => JsonKind::Coco,
        }
    }

    #[test]
    fn tables_of_labels_are_known() {
        for (text, tool) in [
            (r#"[{"id": 1, "data": {"image": "/a.png"}, "annotations": []}]"#, Tool::LabelStudio),
            (r#"[{"image": "/a.png", "id": 1, "choice": "cat"}]"#, Tool::Records),
            (r#"[{"image": "a.png", "annotations": [{"label": "cat"}]}]"#, Tool::Records),
            (r#"[{"name": "a.jpg", "labels": [{"category": "car"}]}]"#, Tool::Records),
            (r#"[{"file": "a.png", "label": "cat"}]"#, Tool::Records),
            (r#"{"classes": ["cat"], "labels": {"a": 0}}"#, Tool::FiftyOne),
            (r#"{"a.png": "cat", "b.png": ["dog"]}"#, Tool::ByImage),
        ] {
            assert_eq!(kind(text), JsonKind::Labels(tool), "{text}");
        }
    }

    #[test]
    fn other_tools_are_named() {
        for (text, name) in [
            (r#"{"a.png123": {"filename": "a.png", "regions": []}}"#, "VIA"),
            (r#"{"_via_settings": {}, "_via_img_metadata": {}}"#, "VIA"),
            (r#"{"version": "5", "shapes": [], "imagePath": "a.png"}"#, "labelme"),
            (r#"{"samples": [{"filepath": "data/a.png"}]}"#, "FiftyOne"),
            (r#"{"description": "", "size": {"height": 1}, "objects": []}"#, "Supervisely"),
            (r#"{"asset": {"name": "a.png"}, "regions": []}"#, "VoTT"),
            (r#"{"info": {}, "categories": {}, "items": []}"#, "Datumaro"),
            (r#"{"version": "2.0", "item": {}, "annotations": []}"#, "V7 Darwin"),
            (r#"[{"image_id": 1, "category_id": 2, "score": 0.5}]"#, "results"),
            (r#"[{"External ID": "a.png", "Label": {}}]"#, "Labelbox"),
            (r#"{"x": [{"y": "a.png"}]}"#, "unknown layout"),
            (r#"["a.png", "b.png"]"#, "unknown layout"),
            (r#"[{"file_name": "a.png", "text": "a cat"}]"#, "no class for each image"),
        ] {
            match kind(text) {
                JsonKind::Foreign(problem) => assert!(problem.contains(name), "{text}: {problem}"),
                other => unreachable!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_names_no_image_is_no_annotation() {
        for text in [
            r#"[{"id": 1, "name": "cat", "label": "x"}]"#,
            r#"{"0": "Blight"}"#,
            r#"["cat", "dog"]"#,
            "7",
            r#"{"cat": 0}"#,
            "[]",
            "{}",
        ] {
            assert_eq!(kind(text), JsonKind::Other, "{text}");
        }
        for text in [r#"{"images": []}"#, r#"{"annotations": [{"image_id": 1}], "x": }"#] {
            assert_eq!(kind(text), JsonKind::Coco, "{text}");
        }
    }
}

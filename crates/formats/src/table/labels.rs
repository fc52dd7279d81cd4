//! The classes in a value of JSON or a field of CSV.
//!
//! Promise: a value that is no class and holds none is a problem, never a class of its own.

use serde_json::Value;

use super::columns::is_label_column;
use super::layout::ambiguous;
use crate::shown;

/// Members that hold the class of a box, a choice or a region, the likeliest first.
const MEMBERS: [&str; 11] = [
    "label",
    "category",
    "class",
    "labels",
    "categories",
    "classes",
    "choices",
    "class_name",
    "category_name",
    "category_id",
    "name",
];

/// The classes of a value: a text, a number, a list of such, or an object with one under a usual name.
pub(super) fn of_value(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Number(number) => Ok(vec![number.to_string()]),
        Value::Bool(is) => Ok(vec![is.to_string()]),
        Value::Array(list) => {
            let each: Result<Vec<_>, _> = list.iter().map(of_value).collect();
            Ok(each?.concat())
        }
        Value::Object(members) => {
            if let Some(value) = MEMBERS.iter().find_map(|name| members.get(*name)) {
                return of_value(value);
            }
            let of_tool = members.iter().filter(|(name, _)| name.ends_with("labels"));
            let each: Result<Vec<_>, _> = of_tool.map(|(_, value)| of_value(value)).collect();
            match each? {
                none if none.is_empty() => Err(no_class(value)),
                some => Ok(some.concat()),
            }
        }
    }
}

fn no_class(value: &Value) -> String {
    format!("holds {} where a class belongs: give its name", shown(&value.to_string()))
}

/// The class in a field; lists and objects of JSON are what Label Studio writes there.
pub(super) fn of_field(field: &str) -> Result<Vec<String>, String> {
    if !field.starts_with(['[', '{']) {
        return Ok(vec![field.to_owned()]);
    }
    match serde_json::from_str::<Value>(field) {
        Ok(value) => of_value(&value),
        Err(_) => Err(format!("holds {}, which is no class: part several with |", shown(field))),
    }
}

/// The classes in a field that may hold several.
pub(super) fn of_plural(field: &str) -> Result<Vec<String>, String> {
    if field.starts_with(['[', '{']) {
        return of_field(field);
    }
    let parting = ['|', ';', ','].into_iter().find(|parting| field.contains(*parting));
    match parting {
        Some(parting) => Ok(field
            .split(parting)
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()),
        None if field.contains(char::is_whitespace) => Err(ambiguous(field)),
        None => Ok(vec![field.to_owned()]),
    }
}

/// The member of an object that holds its classes.
pub(super) fn member(members: &serde_json::Map<String, Value>) -> Option<&Value> {
    let usual = MEMBERS.iter().filter(|name| **name != "name").find_map(|name| members.get(*name));
    usual
        .or_else(|| members.iter().find(|(name, _)| is_label_column(name)).map(|(_, value)| value))
        .or_else(|| {
            ["annotations", "annotation", "objects"].iter().find_map(|name| members.get(*name))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn classes_are_found_in_each_usual_value() {
        let table = [
            (json!("cat"), vec!["cat"]),
            (json!(3), vec!["3"]),
            (json!(null), vec![]),
            (json!(["cat", "dog"]), vec!["cat", "dog"]),
            (json!([{"label": "cat", "coordinates": {}}]), vec!["cat"]),
            (json!([{"category": "car", "box2d": {}}]), vec!["car"]),
            (json!({"bbox": [[1, 2, 3, 4]], "categories": [0, 1]}), vec!["0", "1"]),
            (json!({"choices": ["cat", "dog"]}), vec!["cat", "dog"]),
            (json!([{"x": 1, "rectanglelabels": ["cat"]}]), vec!["cat"]),
        ];
        for (value, classes) in table {
            assert_eq!(of_value(&value).as_deref(), Ok(classes.map_into().as_slice()), "{value}");
        }
        assert!(of_value(&json!([{"x": 1}])).is_err());
    }

    trait MapInto {
        fn map_into(self) -> Vec<String>;
    }

    impl MapInto for Vec<&str> {
        fn map_into(self) -> Vec<String> {
            self.into_iter().map(str::to_owned).collect()
        }
    }

    #[test]
    fn several_classes_in_a_field_are_parted_only_by_marks() {
        assert_eq!(of_plural("cat| dog"), Ok(vec!["cat".to_owned(), "dog".to_owned()]));
        assert_eq!(of_plural("cat"), Ok(vec!["cat".to_owned()]));
        assert!(of_plural("scab rust").is_err_and(|text| text.contains("one class or several")));
        assert!(of_field("['cat', 'dog']").is_err_and(|text| text.contains("no class")));
    }
}

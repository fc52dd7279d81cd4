//! Reads one column of a dataset's tables: what groups its images, such as the patient or the camera.
//!
//! Promise: the column is found by its name, in every table that has it, and each image has one value in it at most.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::layout::{grouping, header_of};
use super::rows::Rows;
use super::{columns, records};
use crate::bounds::LONGEST_CLASS_NAME;
use crate::json::{JsonKind, Tool, kind_of};
use crate::kind::{CSV, JSON, JSON_LINES, has_extension};
use crate::places::{Places, TRIED};
use crate::shape::{File, Shape};
use crate::source::Source;
use crate::{FilePath, Problem, Refusal, shown};

/// At most so many names of columns are in a message.
const NAMED: usize = 20;

/// The value of each image that has one.
pub(crate) fn column(
    shape: &Shape,
    name: &str,
    source: &mut Source<'_>,
) -> Result<BTreeMap<FilePath, String>, Refusal> {
    let places = Places::new(shape);
    let mut reading = Reading { name: columns::plain(name), ..Reading::default() };
    for (_, file) in shape.annotations(CSV) {
        reading.csv(file, &places, source)?;
    }
    for (_, file) in [JSON, JSON_LINES].into_iter().flat_map(|one| shape.annotations(one)) {
        reading.json(file, &places, source)?;
    }
    if reading.tables > 0 {
        return Ok(reading.values);
    }
    let others = reading.others.iter().take(NAMED).map(|name| shown(name)).collect::<Vec<_>>();
    let others = if others.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there are {}", others.join(", "))
    };
    let text = format!(
        "no table of images (CSV, JSON Lines or a JSON list) has the column {}; of other columns {others}",
        shown(name)
    );
    Err(Problem::whole(text).into())
}

#[derive(Default)]
struct Reading {
    /// The column's name, as names are compared.
    name: String,
    values: BTreeMap<FilePath, String>,
    /// How many tables have the column.
    tables: usize,
    /// The other columns.
    others: Vec<String>,
}

impl Reading {
    fn csv<'a>(
        &mut self,
        file: &'a File,
        places: &Places<'a>,
        source: &mut Source<'_>,
    ) -> Result<(), Refusal> {
        let Some((image, column)) = grouping(file, places, &self.name, source)? else {
            self.others.extend(header_of(file, source)?);
            return Ok(());
        };
        self.tables += 1;
        let mut names = Vec::new();
        let mut rows = Rows::open(file, source)?;
        rows.next()?;
        while names.len() < TRIED
            && let Some(row) = rows.next()?
        {
            names.extend(row.ok().and_then(|(_, row)| row.get(image).map(str::to_owned)));
        }
        let (base, _) = places.choose(&file.path, || names.iter().map(String::as_str));
        let mut rows = Rows::open(file, source)?;
        rows.next()?;
        while let Some(row) = rows.next()? {
            let Ok((line, row)) = row else { continue };
            let (Some(name), Some(value)) = (row.get(image), row.get(column)) else { continue };
            if let Ok((_, image)) = base.image(name) {
                self.take(file, line, &image.path, value)?;
            }
        }
        Ok(())
    }

    fn json<'a>(
        &mut self,
        file: &'a File,
        places: &Places<'a>,
        source: &mut Source<'_>,
    ) -> Result<(), Refusal> {
        let tool = match kind_of(file, source)? {
            JsonKind::Labels(tool) => tool,
            // Lines that name images and have no labels group them all the same.
            JsonKind::Foreign(_) | JsonKind::Other if has_extension(&file.path, JSON_LINES) => {
                Tool::Lines
            }
            JsonKind::Coco | JsonKind::Foreign(_) | JsonKind::Broken(_) | JsonKind::Other => {
                return Ok(());
            }
        };
        let mut names = Vec::new();
        let (wanted, others) = (self.name.clone(), &mut self.others);
        records::members(file, tool, source, &mut |_, image, members| {
            if value_of(members, &wanted).is_some() {
                if names.len() < TRIED {
                    names.push(image.to_owned());
                }
            } else if others.len() < NAMED {
                let new = members.keys().find(|name| !others.contains(name)).cloned();
                others.extend(new);
            }
        })?;
        if names.is_empty() {
            return Ok(());
        }
        self.tables += 1;
        let (base, _) = places.choose(&file.path, || names.iter().map(String::as_str));
        let mut taken = Ok(());
        records::members(file, tool, source, &mut |line, image, members| {
            if taken.is_ok()
                && let Some(value) = value_of(members, &wanted)
                && let Ok((_, image)) = base.image(image)
            {
                taken = self.take(file, line, &image.path, &value);
            }
        })?;
        taken
    }

    fn take(
        &mut self,
        file: &File,
        line: u64,
        image: &FilePath,
        value: &str,
    ) -> Result<(), Refusal> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(());
        }
        if value.len() > LONGEST_CLASS_NAME {
            let text = format!(
                "has {} in the column, which is longer than {LONGEST_CLASS_NAME} bytes: name another column",
                shown(value)
            );
            return Err(Problem::at(&file.path, line, text).into());
        }
        match self.values.insert(image.clone(), value.to_owned()) {
            Some(other) if other != value => {
                let text = format!(
                    "{image} has two values in the column: {} and {}; give it one",
                    shown(&other),
                    shown(value)
                );
                Err(Problem::at(&file.path, line, text).into())
            }
            _ => Ok(()),
        }
    }
}

/// The value of the member of this name, if it is a plain one.
fn value_of(members: &Map<String, Value>, wanted: &str) -> Option<String> {
    let (_, value) = members.iter().find(|(name, _)| columns::plain(name) == wanted)?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

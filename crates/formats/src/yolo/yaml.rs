//! The small part of YAML that a description needs: texts, lists and mappings, each with its line.
//!
//! Promise: a bounded tree, whatever the text. Aliases are refused: with them a small file can mean a huge one.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::bounds::DEEPEST_NESTING;

/// The most values of a file.
const MOST_VALUES: usize = 100_000;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// Nothing, or the word for it.
    Null,
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// A value and where it begins.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    pub(super) line: u64,
    pub(super) value: Value,
}

/// A line and what is wrong there.
pub(super) type Wrong = (u64, String);

/// Reads the first document of a text. An empty one is null.
pub(super) fn parse(text: &str) -> Result<Node, Wrong> {
    let mut reading = Reading { parser: Parser::new_from_str(text), left: MOST_VALUES };
    loop {
        let (event, line) = reading.next()?;
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Node { line, value: Value::Null }),
            event => return reading.node(event, line, 0),
        }
    }
}

struct Reading<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    left: usize,
}

impl<'a> Reading<'a> {
    fn next(&mut self) -> Result<(Event<'a>, u64), Wrong> {
        let (event, span): (Event<'a>, Span) = match self.parser.next() {
            Some(Ok(next)) => next,
            Some(Err(error)) => {
                return Err((error.marker().line() as u64, plain(error.info())));
            }
            None => return Ok((Event::StreamEnd, 1)),
        };
        let line = span.start.line() as u64;
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| (line, format!("holds more values than are allowed: {MOST_VALUES}")))?;
        Ok((event, line))
    }

    fn node(&mut self, event: Event<'a>, line: u64, depth: u32) -> Result<Node, Wrong> {
        if depth > DEEPEST_NESTING {
            return Err((line, format!("is nested deeper than {DEEPEST_NESTING}")));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.mapping(depth)?,
            Event::Alias(_) => {
                return Err((line, "has an alias; write the value itself".to_owned()));
            }
            _ => return Err((line, "ends in the middle".to_owned())),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, depth: u32) -> Result<Value, Wrong> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(list)),
                (event, line) => list.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: u32) -> Result<Value, Wrong> {
        let mut mapping = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Mapping(mapping));
            }
            let key = self.node(event, line, depth + 1)?;
            let (event, line) = self.next()?;
            mapping.push((key, self.node(event, line, depth + 1)?));
        }
    }
}

/// Phrases of the parser, and what is said instead.
const PHRASES: [(&str, &str); 7] = [
    ("tab", "a tab stands where spaces belong"),
    ("escape", "a text in double quotes has a backslash in it: use single quotes or slashes"),
    ("flow", "a comma or a closing bracket is missing"),
    ("quoted scalar", "a quote is not closed"),
    ("mapping values", "a colon stands where none may: put the text in quotes"),
    ("simple key", "a colon is missing after a name"),
    ("block", "a line is indented otherwise than its neighbours"),
];

/// What is wrong, in words for people.
fn plain(info: &str) -> String {
    let known = PHRASES.iter().find(|(phrase, _)| info.contains(phrase));
    let what = known.map_or("indentation or punctuation is wrong here", |(_, plain)| plain);
    format!("is no valid YAML: {what}")
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" if style == ScalarStyle::Plain => Value::Null,
        text => Value::Text(text.to_owned()),
    }
}

impl Node {
    /// The text; `None` if it is no text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value under a key. A key that is there twice is wrong.
    pub(super) fn get(&self, key: &str) -> Result<Option<&Self>, Wrong> {
        let Value::Mapping(entries) = &self.value else { return Ok(None) };
        let mut found = entries.iter().filter(|(name, _)| name.text() == Some(key));
        let first = found.next();
        match found.next() {
            Some((second, _)) => Err((second.line, format!("\"{key}\" is there twice"))),
            None => Ok(first.map(|(_, value)| value)),
        }
    }
}

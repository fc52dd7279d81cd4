//! Writes the list's statement.
//!
//! Invariant: what comes from a client is a value, never text of the statement.

use hallpass_store::{Connection, Row};
use sqlx::AssertSqlSafe;

use super::super::read::COLUMNS;
use super::{Filter, Order, Position, Query};
use crate::model::access::Visibility;

/// A statement that is being written, with its values.
#[derive(Debug, Default)]
pub(super) struct Sql {
    pub(super) text: String,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Integer(i64),
}

/// A part of what a user may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Public,
    Own,
    Shared,
}

impl Sql {
    /// The list's statement; `None` where nothing can fit.
    pub(super) fn visible(subject: &str, query: &Query) -> Option<Self> {
        let mut sql = Self::default();
        let parts = parts(subject, &query.filter);
        let arms: Vec<_> = parts.iter().map(|part| sql.arm(*part, subject, query)).collect();
        if arms.is_empty() {
            return None;
        }
        let (order, most) = (sorted("place", "number", query.order), sql.most(query));
        let seen = arms.join(" UNION ALL ");
        let sorted = sorted(query.order.column(), "number", query.order);
        sql.text = format!(
            "SELECT {COLUMNS} FROM datasets WHERE number IN \
             (SELECT number FROM ({seen}) AS seen ORDER BY {order} LIMIT {most}) ORDER BY {sorted}"
        );
        Some(sql)
    }

    /// One part, in order and no longer than the page.
    pub(super) fn arm(&mut self, part: Part, subject: &str, query: &Query) -> String {
        let (from, number, name) = match part {
            Part::Public => ("datasets", "datasets.number", "public_ones"),
            Part::Own => ("datasets", "datasets.number", "own_ones"),
            // A cross join: what is shared comes first, whatever the planner thinks.
            Part::Shared => ("shares CROSS JOIN datasets", "shares.dataset", "shared_ones"),
        };
        let column = match query.order {
            Order::Newest | Order::Oldest => number.to_owned(),
            other => format!("datasets.{}", other.column()),
        };
        let mut wanted = self.part(part, subject);
        wanted.extend(
            query.behind.as_ref().map(|place| self.behind(place, &column, number, query.order)),
        );
        self.filter(part, &query.filter, &mut wanted);
        let wanted = wanted.join(" AND ");
        let (order, most) = (sorted(&column, number, query.order), self.most(query));
        format!(
            "SELECT number, place FROM (SELECT {number} AS number, {column} AS place FROM {from} \
             WHERE {wanted} ORDER BY {order} LIMIT {most}) AS {name}"
        )
    }

    fn part(&mut self, part: Part, subject: &str) -> Vec<String> {
        let subject = |sql: &mut Self| sql.value(Value::Text(subject.to_owned()));
        match part {
            Part::Public => vec!["datasets.visibility = 'public'".to_owned()],
            Part::Own => vec![
                format!("datasets.owner = {}", subject(self)),
                "datasets.visibility = 'private'".to_owned(),
            ],
            Part::Shared => vec![
                format!("shares.subject = {}", subject(self)),
                "datasets.number = shares.dataset".to_owned(),
                "datasets.visibility = 'private'".to_owned(),
            ],
        }
    }

    fn behind(&mut self, place: &Position, column: &str, number: &str, order: Order) -> String {
        let than = if order.is_downward() { "<" } else { ">" };
        let (first, last) = match place {
            Position::Number(last) => return format!("{number} {than} {}", self.integer(*last)),
            Position::Text(first, last) => (self.value(Value::Text(first.clone())), last),
            Position::Integer(first, last) => (self.integer(*first), last),
        };
        format!("({column}, {number}) {than} ({first}, {})", self.integer(*last))
    }

    fn filter(&mut self, part: Part, filter: &Filter, wanted: &mut Vec<String>) {
        if let Some(owner) = filter.owner.as_ref().filter(|_| part != Part::Own) {
            wanted.push(format!("datasets.owner = {}", self.value(Value::Text(owner.clone()))));
        }
        if let Some(format) = filter.format {
            let format = self.value(Value::Text(format.as_str().to_owned()));
            wanted.push(format!("datasets.format = {format}"));
        }
        if !filter.name_contains.is_empty() {
            let like = self.value(Value::Text(containing(&filter.name_contains)));
            wanted.push(format!("lower(datasets.display_name) LIKE {like} ESCAPE '!'"));
        }
        if let Some(class) = &filter.class_name {
            let class = self.value(Value::Text(class.clone()));
            wanted.push(format!(
                "EXISTS (SELECT 1 FROM classes WHERE classes.dataset = datasets.number AND classes.name = {class})"
            ));
        }
    }

    fn most(&mut self, query: &Query) -> String {
        self.integer(i64::from(query.most))
    }

    fn integer(&mut self, value: i64) -> String {
        self.value(Value::Integer(value))
    }

    /// The place of a value in the statement.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// The rows that it finds.
    pub(super) async fn fetch(self, state: &mut Connection) -> Result<Vec<Row>, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(self.text));
        let query = self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Integer(integer) => query.bind(integer),
        });
        query.fetch_all(state).await
    }
}

/// The parts in which something can fit the filter.
fn parts(subject: &str, filter: &Filter) -> Vec<Part> {
    let (own, others) = match filter.owner.as_deref() {
        None => (true, true),
        Some(owner) => (owner == subject, owner != subject),
    };
    let mut parts = Vec::with_capacity(3);
    if filter.visibility != Some(Visibility::Private) {
        parts.push(Part::Public);
    }
    if filter.visibility != Some(Visibility::Public) {
        parts.extend(own.then_some(Part::Own));
        // Nothing is shared with its owner.
        parts.extend(others.then_some(Part::Shared));
    }
    parts
}

fn sorted(column: &str, number: &str, order: Order) -> String {
    let way = if order.is_downward() { " DESC" } else { "" };
    if column == number {
        format!("{number}{way}")
    } else {
        format!("{column}{way}, {number}{way}")
    }
}

/// The pattern of texts that hold this one, in small ASCII letters as both databases' `lower` makes them.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

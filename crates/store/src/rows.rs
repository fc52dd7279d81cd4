//! The text of statements that write many rows at once.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

/// `into`, such as `INSERT INTO files (dataset, path) VALUES`, with placeholders for so many rows of so many values: `($1, $2), …`.
///
/// Neither database takes more than 32,766 values a statement.
pub fn rows(into: &'static str, values: usize, rows: usize) -> AssertSqlSafe<String> {
    let mut sql = String::with_capacity(into.len() + rows * values * 8);
    sql.push_str(into);
    for row in 0..rows {
        sql.push_str(if row == 0 { " (" } else { ", (" });
        for value in 0..values {
            let comma = if value == 0 { "" } else { ", " };
            // Writing to a text cannot fail.
            let _ = write!(sql, "{comma}${}", row * values + value + 1);
        }
        sql.push(')');
    }
    AssertSqlSafe(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_place_of_its_own() {
        let sql = rows("INSERT INTO t (a, b) VALUES", 2, 2).0;
        assert_eq!(sql, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }
}

//! A line of a label file.
//!
//! Promise: what passes is a box, a polygon or a pose, all of it in the image.

/// Reads the line of a label; says its class's number. `classes` is how many there are, `said_in` where.
pub(super) fn class_of(
    line: &str,
    classes: usize,
    said_in: &str,
    pose: Option<u32>,
) -> Result<usize, String> {
    let mut fields = line.split_ascii_whitespace();
    let first = fields.next().unwrap_or_default();
    let class: usize = first.parse().map_err(|_| {
        format!("begins with {}, not with the number of a class", crate::shown(first))
    })?;
    if class >= classes {
        return Err(format!("class {class} is not among the {classes} classes of {said_in}"));
    }
    let mut count = 0_u32;
    for field in fields {
        check(field, count, pose)?;
        count = count.saturating_add(1);
    }
    check_count(count, pose)?;
    Ok(class)
}

/// So far outside a number may be: programs round.
const ROUNDING: f64 = 1e-6;

/// The numbers of a box: its centre, its width, its height.
const BOX: u32 = 4;

fn check(field: &str, at: u32, pose: Option<u32>) -> Result<(), String> {
    let number: f64 =
        field.parse().map_err(|_| format!("holds {}, which is no number", crate::shown(field)))?;
    // Of a pose's points also how well they can be seen is told, as a number up to 2.
    let most = if pose.is_some() && at >= BOX { 2.0 } else { 1.0 };
    if (-ROUNDING..=most + ROUNDING).contains(&number) {
        return Ok(());
    }
    Err(format!(
        "holds {}, which is not between 0 and {most}: numbers are fractions of the image",
        crate::shown(field)
    ))
}

fn check_count(count: u32, pose: Option<u32>) -> Result<(), String> {
    let fits = match pose {
        Some(points) => count == BOX + points,
        None => count == BOX || (count >= 6 && count.is_multiple_of(2)),
    };
    if fits {
        return Ok(());
    }
    let expected = match pose {
        Some(points) => format!("a pose has {} by \"kpt_shape\"", BOX + points),
        None => "a box has 4, a polygon an even number from 6".to_owned(),
    };
    Err(format!("holds {count} numbers behind the class; {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_give_their_class() {
        for line in
            ["0 0.5 0.5 1 1", "2 0 0 0.25 1e-3", " 1\t0 0 1 0 1 1 ", "0 0.1 0.1 0.2 1.0000001"]
        {
            assert!(class_of(line, 3, "data.yaml", None).is_ok(), "{line}");
        }
        assert_eq!(class_of("1 .5 .5 .1 .1 .2 .2 2", 3, "data.yaml", Some(3)), Ok(1));
    }

    #[test]
    fn what_is_no_label_is_told() {
        let count = "numbers behind the class; a box has 4, a polygon an even number from 6";
        let range = "which is not between 0 and 1: numbers are fractions of the image";
        let table = [
            ("7 0 0 1 1", "class 7 is not among the 3 classes of data.yaml".to_owned()),
            ("-1 0 0 1 1", "begins with \"-1\", not with the number of a class".to_owned()),
            ("cat 0 0 1 1", "begins with \"cat\", not with the number of a class".to_owned()),
            (
                "99999999999999999999 0 0 1 1",
                "begins with \"99999999999999999999\", not with the number of a class".to_owned(),
            ),
            ("0 0 0 1", format!("holds 3 {count}")),
            ("0", format!("holds 0 {count}")),
            ("0 0 0 1 1 0.9", format!("holds 5 {count}")),
            ("0 0.5 0.5", format!("holds 2 {count}")),
            ("0 0 0 1 1 0 1 1", format!("holds 7 {count}")),
            ("0 0 0 nan 1", format!("holds \"nan\", {range}")),
            ("0 0 0 inf 1", format!("holds \"inf\", {range}")),
            ("0 0 0 -0.1 1", format!("holds \"-0.1\", {range}")),
            ("0 320 0 1 1", format!("holds \"320\", {range}")),
            ("0 0,5 0 1 1", "holds \"0,5\", which is no number".to_owned()),
        ];
        for (line, problem) in table {
            assert_eq!(class_of(line, 3, "data.yaml", None), Err(problem), "{line}");
        }
        let pose = "holds 6 numbers behind the class; a pose has 7 by \"kpt_shape\"".to_owned();
        assert_eq!(class_of("0 0 0 1 1 1 1", 3, "data.yaml", Some(3)), Err(pose));
    }
}

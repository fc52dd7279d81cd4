//! A line of a label file.
//!
//! Promise: what passes is a box, a polygon or a pose, all of it in the image.

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Box,
    Polygon,
    Pose,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Polygon => "polygon",
            Self::Pose => "pose",
        }
    }
}

/// Reads the line of a label; says its class's number and what it is. `classes` is how many there are, `said_in` where.
pub(super) fn read(
    line: &str,
    classes: usize,
    said_in: &str,
    pose: Option<u32>,
) -> Result<(usize, Kind), String> {
    let mut fields = line.split_ascii_whitespace();
    let first = fields.next().unwrap_or_default();
    let class = class(first).ok_or_else(|| wrong_class(first))?;
    if class >= classes {
        return Err(format!("class {class} is not among the {classes} classes of {said_in}"));
    }
    let count = u32::try_from(fields.clone().count()).unwrap_or(u32::MAX);
    let kind = kind(count, pose)?;
    for (at, field) in (0..).zip(fields) {
        check(field, at, pose)?;
    }
    Ok((class, kind))
}

/// Whether a line of unknown classes is a label.
pub(super) fn seems_label(line: &str) -> bool {
    read(line, usize::MAX, "", None).is_ok()
}

/// The number of a class; programs that know only fractions write 1.0.
fn class(text: &str) -> Option<usize> {
    const MOST: f64 = 1e9;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it has no fraction and lies between the bounds"
        )]
        (number.fract() == 0.0 && (0.0..MOST).contains(&number)).then_some(number as usize)
    })
}

fn wrong_class(first: &str) -> String {
    let hint = if first.contains([',', ';']) {
        ": part the fields with spaces"
    } else if first.starts_with(|c: char| c.is_alphabetic()) {
        ": KITTI, DOTA and names of classes are not read, write numbers"
    } else {
        ""
    };
    format!("begins with {}, not with the number of a class{hint}", crate::shown(first))
}

/// So far outside the image a number may be, as Ultralytics allows.
const TOLERANCE: f64 = 0.01;

/// The numbers of a box: its centre, its width, its height.
const BOX: u32 = 4;

fn no_number(field: &str) -> String {
    let what = format!("holds {}, which is no number", crate::shown(field));
    let is_comma = field.replacen(',', ".", 1).parse::<f64>().is_ok();
    if is_comma { format!("{what}: write a point for the comma") } else { what }
}

fn check(field: &str, at: u32, pose: Option<u32>) -> Result<(), String> {
    let number: f64 = field.parse().map_err(|_| no_number(field))?;
    // Of a pose's points also how well they can be seen is told, as a number up to 2.
    let most = if pose.is_some() && at >= BOX { 2.0 } else { 1.0 };
    if (-TOLERANCE..=most + TOLERANCE).contains(&number) {
        return Ok(());
    }
    Err(format!(
        "holds {}, which is not between 0 and {most}: numbers are fractions of the image",
        crate::shown(field)
    ))
}

fn kind(count: u32, pose: Option<u32>) -> Result<Kind, String> {
    match pose {
        Some(points) if count == BOX + points => return Ok(Kind::Pose),
        None if count == BOX => return Ok(Kind::Box),
        None if count >= 6 && count.is_multiple_of(2) => return Ok(Kind::Polygon),
        _ => {}
    }
    let expected = match pose {
        Some(points) => format!("a pose has {} by \"kpt_shape\"", BOX + points),
        None if count == BOX + 1 => {
            "a box has 4, and a confidence behind them is no label: leave it out".to_owned()
        }
        None if count > BOX && (count - BOX).is_multiple_of(3) => {
            "a box has 4, a polygon an even number from 6; for poses data.yaml needs \"kpt_shape\""
                .to_owned()
        }
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
            assert!(read(line, 3, "data.yaml", None).is_ok(), "{line}");
        }
        for (line, label) in [
            ("1.0 .5 .5 1 1.01", (1, Kind::Box)),
            ("2.000000 .5 .5 1 1", (2, Kind::Box)),
            ("1e0 0 0 1 0 1 1.0008", (1, Kind::Polygon)),
            ("0 -0.009 0 1 0 1 1 0 1", (0, Kind::Polygon)),
        ] {
            assert_eq!(read(line, 3, "data.yaml", None), Ok(label), "{line}");
        }
        let pose = read("1 .5 .5 .1 .1 .2 .2 2", 3, "data.yaml", Some(3));
        assert_eq!(pose, Ok((1, Kind::Pose)));
    }

    #[test]
    fn what_is_no_label_is_told() {
        let count = "numbers behind the class; a box has 4, a polygon an even number from 6";
        let range = "which is not between 0 and 1: numbers are fractions of the image";
        let table = [
            ("7 0 0 1 1", "class 7 is not among the 3 classes of data.yaml".to_owned()),
            ("-1 0 0 1 1", "begins with \"-1\", not with the number of a class".to_owned()),
            (
                "cat 0 0 1 1",
                "begins with \"cat\", not with the number of a class: KITTI, DOTA and names of classes are not read, write numbers"
                    .to_owned(),
            ),
            (
                "0,0.5,0.5,1,1",
                "begins with \"0,0.5,0.5,1,1\", not with the number of a class: part the fields with spaces".to_owned(),
            ),
            ("0.5 0 0 1 1", "begins with \"0.5\", not with the number of a class".to_owned()),
            ("0 0 0 1.02 1", format!("holds \"1.02\", {range}")),
            (
                "99999999999999999999 0 0 1 1",
                "begins with \"99999999999999999999\", not with the number of a class".to_owned(),
            ),
            ("0 0 0 1", format!("holds 3 {count}")),
            ("0", format!("holds 0 {count}")),
            (
                "0 0 0 1 1 0.9",
                "holds 5 numbers behind the class; a box has 4, and a confidence behind them is no label: leave it out".to_owned(),
            ),
            ("0 0.5 0.5", format!("holds 2 {count}")),
            (
                "0 0 0 1 1 0 1 1",
                format!("holds 7 {count}; for poses data.yaml needs \"kpt_shape\""),
            ),
            ("0 0 0 nan 1", format!("holds \"nan\", {range}")),
            ("0 0 0 inf 1", format!("holds \"inf\", {range}")),
            ("0 0 0 -0.1 1", format!("holds \"-0.1\", {range}")),
            ("0 320 0 1 1", format!("holds \"320\", {range}")),
            ("0 0,5 0 1 1", "holds \"0,5\", which is no number: write a point for the comma".to_owned()),
        ];
        for (line, problem) in table {
            assert_eq!(read(line, 3, "data.yaml", None), Err(problem), "{line}");
        }
        let pose = "holds 6 numbers behind the class; a pose has 7 by \"kpt_shape\"".to_owned();
        assert_eq!(read("0 0 0 1 1 1 1", 3, "data.yaml", Some(3)), Err(pose));
    }
}

//! A column of a dataset's tables that groups its images.

use super::world::World;

fn world(files: &[(&str, &str)]) -> World {
    let images = ["a/1.png", "a/2.png", "b/3.png"];
    World::new(images.iter().map(|path| (*path, "")).chain(files.iter().copied()))
}

fn column(files: &[(&str, &str)], name: &str) -> Result<Vec<String>, String> {
    let found = world(files).column(name)?;
    Ok(found.into_iter().map(|(path, value)| format!("{path}={value}")).collect())
}

#[test]
fn every_table_that_has_the_column_is_read() {
    let csv = "patient id;filename;label\np1;a/1.png;x\np1;a/2.png;y\n;b/3.png;x\n";
    let both = Ok(vec!["a/1.png=p1".to_owned(), "a/2.png=p1".to_owned()]);
    assert_eq!(column(&[("labels.csv", csv)], "patient_id"), both);
    // A table without labels will do, and one whose images are known by what they hold.
    let bare = "where,Patient-ID\n/data/set/a/1.png,p1\n/data/set/a/2.png,p1\n";
    assert_eq!(column(&[("patients.csv", bare)], "patient_id"), both);
    let lines = "{\"file_name\":\"a/1.png\",\"patient_id\":7}\n{\"file_name\":\"b/3.png\",\"patient_id\":null}\n";
    let one = Ok(vec!["a/1.png=7".to_owned()]);
    assert_eq!(column(&[("metadata.jsonl", lines)], "Patient ID"), one);
}

#[test]
fn a_column_that_is_not_there_or_says_two_things_is_refused() {
    let csv = "filename,label,patient\na/1.png,x,p1\na/1.png,y,p2\n";
    let files = [("labels.csv", csv)];
    let absent = column(&files, "camera").unwrap_err();
    assert!(absent.contains("\"camera\"") && absent.contains("\"patient\""), "{absent}");
    let two = column(&files, "patient").unwrap_err();
    assert!(two.starts_with("labels.csv line 3: a/1.png has two values"), "{two}");
    let none = column(&[], "patient").unwrap_err();
    assert!(none.ends_with("there is none"), "{none}");
    let long = format!("filename,patient\na/1.png,{}\n", "p".repeat(256));
    assert!(column(&[("p.csv", &long)], "patient").unwrap_err().contains("longer than 255 bytes"));
}

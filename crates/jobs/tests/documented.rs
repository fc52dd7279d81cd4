//! Every reason for which a job can fail is explained to its user.

#![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::path::Path;

#[test]
fn docs_jobs_has_every_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("../../docs/jobs.md")).unwrap();
    let reasons = reasons(&root.join("src"));
    assert!(reasons.len() > 15, "{reasons:?}");
    for reason in reasons {
        assert!(
            docs.contains(&format!("| `{reason}` |")),
            "docs/jobs.md does not explain {reason}"
        );
    }
}

/// What failures are made of, in all files beneath a folder.
fn reasons(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(reasons(&path));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for made in ["lasting(", "passing("] {
            let reasons = text.split(made).skip(1).filter_map(|behind| {
                let quoted = behind.trim_start().strip_prefix('"')?.split('"').next()?;
                quoted
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c == '_')
                    .then(|| quoted.to_owned())
            });
            found.extend(reasons);
        }
    }
    found
}

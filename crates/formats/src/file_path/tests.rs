//! Hostile names are refused by their reason; ordinary ones pass unchanged.

use super::*;

#[test]
fn hostile_names_are_refused() {
    let long_part = "a".repeat(256);
    let long_path = ["a"; 513].join("/");
    let deep_path = ["a"; 33].join("/");
    let table: &[(&str, PathProblem)] = &[
        ("", PathProblem::Empty),
        ("/", PathProblem::EmptyPart),
        ("/etc/passwd", PathProblem::EmptyPart),
        ("cat//1.png", PathProblem::EmptyPart),
        ("cat/", PathProblem::EmptyPart),
        ("..", PathProblem::DotPart),
        ("../up.png", PathProblem::DotPart),
        ("cat/../../up.png", PathProblem::DotPart),
        ("cat/..", PathProblem::DotPart),
        ("./cat.png", PathProblem::DotPart),
        ("..\\up.png", PathProblem::Character('\\')),
        ("C:\\up.png", PathProblem::Foreign(':')),
        ("C:/up.png", PathProblem::Foreign(':')),
        ("cat/1.png:stream", PathProblem::Foreign(':')),
        ("cat/what?.png", PathProblem::Foreign('?')),
        ("cat/1\0.png", PathProblem::Character('\0')),
        ("cat/1\n.png", PathProblem::Character('\n')),
        ("cat/\u{7f}.png", PathProblem::Character('\u{7f}')),
        ("cat/\u{85}.png", PathProblem::Character('\u{85}')),
        ("cat/\u{1b}[2J.png", PathProblem::Character('\u{1b}')),
        ("cat/gpj.\u{202e}png", PathProblem::Character('\u{202e}')),
        ("cat/\u{2066}a.png", PathProblem::Character('\u{2066}')),
        ("cat/a\u{200b}.png", PathProblem::Character('\u{200b}')),
        ("\u{feff}cat/a.png", PathProblem::Character('\u{feff}')),
        ("cat/\u{e0041}.png", PathProblem::Character('\u{e0041}')),
        ("cat/a\u{3164}.png", PathProblem::Character('\u{3164}')),
        ("cat\u{2215}1.png", PathProblem::LookAlike('\u{2215}')),
        ("cat\u{ff0f}1.png", PathProblem::LookAlike('\u{ff0f}')),
        ("cat\u{ff3c}1.png", PathProblem::LookAlike('\u{ff3c}')),
        ("\u{2024}\u{2024}/1.png", PathProblem::LookAlike('\u{2024}')),
        ("\u{ff0e}\u{ff0e}/1.png", PathProblem::LookAlike('\u{ff0e}')),
        ("cat/1\u{2026}png", PathProblem::LookAlike('\u{2026}')),
        ("cat/\u{2105}.png", PathProblem::LookAlike('\u{2105}')),
        ("cat./1.png", PathProblem::DroppedEnd),
        ("cat /1.png", PathProblem::DroppedEnd),
        ("cat/1.png\u{a0}", PathProblem::DroppedEnd),
        ("...", PathProblem::DroppedEnd),
        ("con", PathProblem::Device),
        ("cat/NUL.png", PathProblem::Device),
        ("aux/1.png", PathProblem::Device),
        ("cat/Com1.tar.gz", PathProblem::Device),
        ("cat/lpt\u{b9}.png", PathProblem::Device),
        ("cat/prn .png", PathProblem::Device),
        ("CONOUT$", PathProblem::Device),
        (&long_part, PathProblem::PartTooLong),
        (&long_path, PathProblem::TooLong),
        (&deep_path, PathProblem::TooDeep),
    ];
    for (text, problem) in table {
        assert_eq!(FilePath::parse(text), Err(*problem), "{}", shown(text));
    }
}

#[test]
fn each_hiding_or_turning_character_is_refused() {
    let ranges = [0..=0x1F, 0x7F..=0x9F, 0x2028..=0x202E, 0x2060..=0x206F, 0xE0000..=0xE007F];
    let single = [0x5C, 0xAD, 0x61C, 0x115F, 0x200B, 0x200E, 0x200F, 0xFEFF];
    for c in ranges.into_iter().flatten().chain(single).filter_map(char::from_u32) {
        let path = format!("cat/a{c}b.png");
        assert_eq!(FilePath::parse(&path), Err(PathProblem::Character(c)), "{}", shown(&path));
    }
}

#[test]
fn ordinary_names_pass_unchanged() {
    let longest_part = "a".repeat(255);
    let deepest = ["a"; 32].join("/");
    for text in [
        "cat/001.png",
        "Katze/ü é.png",
        "a/b/c/d.jpeg",
        ".hidden",
        "..a",
        "猫/1.png",
        "コノハ/ノ.png",
        "قط/1.png",
        "icon.png",
        "console/common.png",
        "com10.png",
        "lpt.png",
        "con-1.png",
        "a b, c; (d) [e] {f} #1 & 'g' + = ~ $.png",
        &longest_part,
        &deepest,
    ] {
        assert_eq!(FilePath::parse(text).map(|path| path.to_string()).as_deref(), Ok(text));
    }
}

#[test]
fn parts_are_found() -> Result<(), PathProblem> {
    let path = FilePath::parse("a/b.c/d.e.PNG")?;
    assert_eq!((path.top_folder(), path.folder()), (Some("a"), "a/b.c"));
    assert_eq!((path.name(), path.stem(), path.extension()), ("d.e.PNG", "d.e", Some("PNG")));
    assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b.c"]);
    let top = FilePath::parse(".png")?;
    assert_eq!((top.top_folder(), top.folder(), top.extension()), (None, "", None));
    assert_eq!((top.name(), top.stem()), (".png", ".png"));
    Ok(())
}

#[test]
fn names_that_a_system_takes_for_one_fold_into_one() {
    for (one, other) in [
        ("Cat/A.PNG", "cat/a.png"),
        ("\u{e9}.png", "e\u{301}.png"),
        ("\u{ff41}.png", "a.png"),
        ("\u{fb01}g.png", "FIG.png"),
        ("stra\u{df}e", "STRASSE"),
        ("\u{3c3}\u{3c2}", "\u{3a3}\u{3a3}"),
        ("\u{212b}", "a\u{30a}"),
        ("a\u{200d}b", "ab"),
        ("\u{2764}\u{fe0f}", "\u{2764}"),
    ] {
        assert_eq!(folded(one), folded(other), "{one} {other}");
    }
    assert_ne!(folded("a1"), folded("al"));
}

#[test]
fn what_is_shown_is_escaped_and_bounded() {
    assert_eq!(shown("a\u{202e}\n\""), "\"a\\u{202e}\\n\\\"\"");
    assert!(shown(&"x".repeat(5000)).len() < 150);
}

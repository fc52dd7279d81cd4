//! Reads a page's fenced blocks: commands to run, in the page's order, and what comes out of them.
//!
//! A block of `sh` is run. A block of `text` right after it is what comes out: each line is in the output, in this order. What a
//! test has to know beyond that stands in comments that a rendered page does not show, on the lines before the block:
//!
//! ```text
//! <!-- terminal: mesh -->           run in another terminal of this name; what runs there is ended first, as by Ctrl-C
//! <!-- until: Hallpass is up -->    and what that terminal prints before the page goes on,
//! <!-- answers: 127.0.0.1:16686 --> or where what runs there answers by then
//! <!-- ends: platform labeler -->   what runs in these terminals is ended first
//! <!-- needs: jaeger -->            left out where the tool is absent
//! <!-- not run: REASON -->          not run at all; `tests/golden/pages.txt` lists these
//! ```
//!
//! and after it, for output that a reader need not see: `<!-- prints:`, a line for each line of output, `-->`.

/// A block of commands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// The line at which it begins.
    pub(crate) line: usize,
    /// The commands, as they stand.
    pub(crate) commands: String,
    /// What the output has, line by line.
    pub(crate) expected: Vec<String>,
    /// The other terminal that it runs in.
    pub(crate) terminal: Option<String>,
    /// What the other terminal prints before the page goes on.
    pub(crate) until: Option<String>,
    /// The address at which what runs there answers before the page goes on.
    pub(crate) answers: Option<String>,
    /// The terminals whose commands are ended first.
    pub(crate) ends: Vec<String>,
    /// The tool without which it is left out.
    pub(crate) needs: Option<String>,
    /// Why it is not run.
    pub(crate) not_run: Option<String>,
}

/// What a fence may hold besides commands and their output: settings and code, which other tests read.
const OTHER: [&str; 5] = ["proto", "rust", "toml", "json", "python"];

/// The steps of a page, or what is wrong with it.
pub(crate) fn steps(page: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut marked = Step::default();
    // Whether what comes next may be the output of the last step.
    let mut is_after_step = false;
    let mut lines = (1..).zip(page.lines());
    while let Some((number, line)) = lines.next() {
        let at = |problem: &str| format!("line {number}: {problem}: {line}");
        if let Some(info) = line.strip_prefix("```") {
            let body = until(&mut lines, "```").ok_or_else(|| at("no end of this block"))?;
            match info {
                "sh" => {
                    let step = Step { line: number, commands: body.join("\n"), ..marked };
                    (marked, is_after_step) = (Step::default(), true);
                    steps.push(step.checked()?);
                }
                "text" if is_after_step => expect(&mut steps, body),
                "text" => {}
                other if OTHER.contains(&other) => is_after_step = false,
                _ => return Err(at("a block of no known kind")),
            }
        } else if line == "<!-- prints:" {
            let body = until(&mut lines, "-->").ok_or_else(|| at("no end of this mark"))?;
            expect(&mut steps, body);
        } else if let Some(mark) = line.strip_prefix("<!-- ") {
            let mark = mark.strip_suffix(" -->").and_then(|mark| mark.split_once(": "));
            let (name, value) = mark.ok_or_else(|| at("not a mark"))?;
            if !marked.mark(name, value) {
                return Err(at("no such mark"));
            }
        } else if !line.trim().is_empty() {
            is_after_step = false;
        }
    }
    if marked == Step::default() { Ok(steps) } else { Err("a mark without its block".to_owned()) }
}

/// The lines up to this one; `None` where it does not come.
fn until<'a>(
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
    end: &str,
) -> Option<Vec<&'a str>> {
    let mut body = Vec::new();
    loop {
        match lines.next()?.1 {
            line if line == end => return Some(body),
            line => body.push(line),
        }
    }
}

fn expect(steps: &mut [Step], body: Vec<&str>) {
    if let Some(last) = steps.last_mut() {
        last.expected.extend(body.into_iter().map(str::to_owned));
    }
}

impl Step {
    fn mark(&mut self, name: &str, value: &str) -> bool {
        let value = value.to_owned();
        match name {
            "terminal" => self.terminal = Some(value),
            "until" => self.until = Some(value),
            "answers" => self.answers = Some(value),
            "ends" => self.ends = value.split(' ').map(str::to_owned).collect(),
            "needs" => self.needs = Some(value),
            "not run" => self.not_run = Some(value),
            _ => return false,
        }
        true
    }

    /// Commands that some shell would not take as they stand are refused: zsh knows no comments at its prompt, as it is set up.
    fn checked(self) -> Result<Self, String> {
        let commented =
            self.commands.lines().find(|line| line.starts_with('#') || line.contains(" #"));
        let problem =
            match (commented, &self.terminal, self.until.as_ref().or(self.answers.as_ref())) {
                (Some(line), ..) => format!("a comment, which zsh takes for arguments: {line}"),
                (None, Some(_), None) if self.not_run.is_none() => {
                    "another terminal, and not when the page goes on".to_owned()
                }
                (None, None, Some(_)) => "`until` or `answers` without a terminal".to_owned(),
                _ => return Ok(self),
            };
        Err(format!("line {}: {problem}", self.line))
    }

    /// The step in one line, for messages and lists.
    pub(crate) fn head(&self) -> &str {
        self.commands.lines().next().unwrap_or_default()
    }

    /// What its output lacks or has too much of: an expected line that does not come in its turn, or a complaint that nothing expects.
    pub(crate) fn problem(&self, output: &str) -> Option<String> {
        let mut rest = output;
        for line in &self.expected {
            match rest.split_once(line.as_str()) {
                Some((_, after)) => rest = after,
                None => return Some(format!("{line:?} does not come out, or not in its turn")),
            }
        }
        let is_expected =
            |line: &str| self.expected.iter().any(|expected| line.contains(expected.as_str()));
        let complaint = output.lines().find(|line| is_complaint(line) && !is_expected(line));
        if let Some(complaint) = complaint {
            return Some(format!("it complains, which the page does not say: {complaint}"));
        }
        let is_silent = self.expected.is_empty() && !output.trim().is_empty();
        is_silent.then(|| "it prints something, and the page does not say what".to_owned())
    }
}

/// What a shell or a command prints when a command was not right, or could not be done.
fn is_complaint(line: &str) -> bool {
    const SIGNS: [&str; 5] =
        ["error: ", "Usage: ", "command not found", "No such file or directory", "syntax error"];
    SIGNS.iter().any(|sign| line.contains(sign))
}

#[test]
fn blocks_marks_and_output_are_read_in_their_order() {
    let page = "# Page\n\n```sh\nexport A=1\n```\n\n<!-- terminal: mesh -->\n<!-- until: up -->\n```sh\nserve\n```\n\nSaid:\n\n\
                ```sh\nask\nask again\n```\n\n```text\none\n```\n<!-- prints:\ntwo\n-->\n\nA picture:\n\n```text\nnone\n```\n";
    let steps = steps(page).expect("it is right");
    let heads: Vec<_> = steps.iter().map(|step| (step.line, step.head())).collect();
    assert_eq!(heads, [(3, "export A=1"), (9, "serve"), (15, "ask")]);
    assert_eq!(steps[1].terminal.as_deref(), Some("mesh"));
    assert_eq!(steps[2].expected, ["one", "two"]);
    assert_eq!(steps[2].problem("zero\none 1\ntwo\n"), None);
    for wrong in ["two\none\n", "one\n", "one\ntwo\nerror: no\n"] {
        assert!(steps[2].problem(wrong).is_some(), "{wrong:?}");
    }
    assert!(steps[0].problem("").is_none() && steps[0].problem("said\n").is_some());
}

#[test]
fn pages_that_cannot_be_run_as_they_stand_are_refused() {
    let wrong = [
        "```sh\nhallpass up   # starts it\n```",
        "```bash\nls\n```",
        "```\nls\n```",
        "```sh\nls\n",
        "<!-- terminal: mesh -->\n```sh\nup\n```",
        "<!-- until: up -->\n```sh\nup\n```",
        "<!-- unknown: mark -->\n```sh\nup\n```",
        "<!-- needs: jaeger -->\nno block",
    ];
    for page in wrong {
        assert!(steps(page).is_err(), "{page}");
    }
}

//! What a trainer prints, line by line, and what of it is meant for the runner.
//!
//! Invariant: a line takes a bounded part of memory, however long it is, and nothing that is printed ends the job.

use serde::Deserialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::said::{Said, Saying};

/// Of a longer line only so many bytes are kept.
const LONGEST: usize = 4096;

/// A line of JSON that tells how far the trainer is.
#[derive(Debug, Deserialize)]
struct Report {
    progress: f64,
    message: Option<String>,
}

/// Passes on what is printed, to its end.
pub(crate) async fn follow(mut from: impl AsyncBufRead + Unpin, saying: Saying) {
    let (mut line, mut more) = (Vec::new(), false);
    loop {
        let Ok(read) = from.fill_buf().await else { return };
        if read.is_empty() {
            if more {
                saying.say(understood(&line)).await;
            }
            return;
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        line.extend_from_slice(&part[..part.len().min(LONGEST - line.len())]);
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        more = end.is_none();
        if !more {
            saying.say(understood(&line)).await;
            line.clear();
        }
    }
}

fn understood(line: &[u8]) -> Said {
    if line.starts_with(b"{")
        && let Ok(report) = serde_json::from_slice::<Report>(line)
        && report.progress.is_finite()
    {
        let message = report.message.map(|message| plain(&message));
        return Said::Progress(report.progress.clamp(0.0, 1.0), message);
    }
    Said::Line(plain(&String::from_utf8_lossy(line)))
}

/// One line, without what steers a terminal; a database takes no NUL.
fn plain(text: &str) -> String {
    let kept =
        text.trim_end().chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c });
    kept.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use tokio::sync::mpsc;

    use super::*;

    async fn all(printed: &[u8]) -> Vec<Said> {
        let (tell, mut told) = mpsc::channel(100);
        follow(printed, Saying::new(tell)).await;
        let mut all = Vec::new();
        while let Some(said) = told.recv().await {
            all.push(said);
        }
        all
    }

    #[tokio::test]
    async fn reports_are_told_from_lines() {
        let line = |text: &str| Said::Line(text.to_owned());
        let said = all(b"hello\n{\"progress\": 0.5, \"message\": \"half\"}\n{\"progress\": 7}\n{\"a\": 1}\n\xff\x1b[2J\nend").await;
        assert_eq!(said[0], line("hello"));
        assert_eq!(said[1], Said::Progress(0.5, Some("half".to_owned())));
        assert_eq!(said[2], Said::Progress(1.0, None));
        assert_eq!(said[3], line("{\"a\": 1}"));
        assert_eq!(said[4..], [line("\u{fffd}\u{fffd}[2J"), line("end")]);
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let said = all(&vec![b'a'; 1_000_000]).await;
        let [Said::Line(line)] = said.as_slice() else { unreachable!("{}", said.len()) };
        assert_eq!(line.len(), LONGEST);
        assert!(all(b"").await.is_empty());
        assert_eq!(all(b"a\n\n").await.pop().unwrap(), Said::Line(String::new()));
    }
}

//! What a trainer prints, line by line, and what of it is meant for the runner.
//!
//! Invariant: a line takes a bounded part of memory, however long it is, and nothing that is printed ends the job. A line is what a terminal would
//! show of it: a progress bar is its last state, and while it runs the log has some of the others.

mod plain;
mod screen;

use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use tokio::time::{Instant, timeout_at};

use crate::said::{Said, Saying};
use screen::Screen;

/// How long a line is redrawn until its state is logged; each further state waits twice as long.
const FIRST_STATE: Duration = Duration::from_secs(1);
/// The longest wait for a further state.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Passes on what is printed, to its end.
pub(crate) async fn follow(mut from: impl AsyncBufRead + Unpin, saying: Saying) {
    let (mut screen, mut states) = (Screen::default(), States::new());
    loop {
        let read = if screen.is_redrawn() {
            timeout_at(states.due, from.fill_buf()).await
        } else {
            Ok(from.fill_buf().await)
        };
        match read {
            Ok(Err(_)) => return,
            Ok(Ok([])) => return say(&saying, screen.state()).await,
            Ok(Ok(read)) => {
                let end = read.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                let (used, ends) =
                    (end.map_or(read.len(), |end| end + 1), end.map(|end| read[end]));
                screen.print(&read[..end.unwrap_or(read.len())]);
                from.consume(used);
                match ends {
                    Some(b'\n') => {
                        say(&saying, screen.end()).await;
                        states = States::new();
                    }
                    Some(_) => screen.redraw(),
                    None => {}
                }
            }
            Err(_) => {}
        }
        if screen.is_redrawn() && Instant::now() >= states.due {
            say(&saying, screen.state()).await;
            states.wait_longer();
        }
    }
}

async fn say(saying: &Saying, said: Option<Said>) {
    if let Some(said) = said {
        saying.say(said).await;
    }
}

/// When the next state of a line is logged.
struct States {
    due: Instant,
    wait: Duration,
}

impl States {
    fn new() -> Self {
        Self { due: Instant::now() + FIRST_STATE, wait: FIRST_STATE }
    }

    fn wait_longer(&mut self) {
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.due = Instant::now() + self.wait;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use tokio::io::{AsyncWriteExt as _, BufReader, duplex};
    use tokio::sync::mpsc;
    use tokio::time::sleep;

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

    async fn lines(printed: &str) -> Vec<String> {
        let line = |said| match said {
            Said::Line(line) => line,
            Said::Progress(done, _) => done.to_string(),
        };
        all(printed.as_bytes()).await.into_iter().map(line).collect()
    }

    #[tokio::test]
    async fn reports_are_told_from_lines() {
        let line = |text: &str| Said::Line(text.to_owned());
        let said = all(b"hello\n{\"progress\": 0.5, \"message\": \"half\"}\n{\"progress\": 7}\r\n{\"a\": 1}\n\xff\x1b[2J\nend").await;
        assert_eq!(said[0], line("hello"));
        assert_eq!(said[1], Said::Progress(0.5, Some("half".to_owned())));
        assert_eq!(said[2], Said::Progress(1.0, None));
        assert_eq!(said[3], line("{\"a\": 1}"));
        assert_eq!(said[4..], [line("\u{fffd}"), line("end")]);
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        for printed in [vec![b'a'; 1_000_000], [vec![b'a'; 1_000_000], vec![8; 10]].concat()] {
            let said = all(&printed).await;
            let [Said::Line(line)] = said.as_slice() else { unreachable!("{}", said.len()) };
            assert!(line.len() <= screen::LONGEST);
        }
        assert!(all(b"").await.is_empty());
        assert_eq!(all(b"a\n\n").await.pop().unwrap(), Said::Line(String::new()));
    }

    #[tokio::test]
    async fn a_line_is_what_a_terminal_shows_of_it() {
        for (printed, right) in [
            ("\r  0%|  |\r 50%|█ |\r100%|██|\nnext\n", &["100%|██|", "next"][..]),
            ("0%\r50%\r100%\r\n", &["100%"]),
            ("0%\r100%", &["100%"]),
            ("0%\r100%\r", &["100%"]),
            ("one\r\n\r\ntwo\r\n", &["one", "", "two"]),
            ("\r\x1b[K10%\r\x1b[K\n", &["10%"]),
            ("1/2 [=>.]\x08\x08\x08\x08\x08\x08\x08\x08\x08\r2/2 [==]\n", &["2/2 [==]"]),
            ("50%\x08\x08\x08100%\n", &["100%"]),
            ("ü\x08u\n\x08\x08x\n", &["u", "x"]),
        ] {
            assert_eq!(lines(printed).await, right, "{printed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bar_that_runs_for_long_is_seen_while_it_runs_and_does_not_fill_the_log() {
        let (mut trainer, pipe) = duplex(64);
        let (tell, mut told) = mpsc::channel(10_000);
        let following = tokio::spawn(follow(BufReader::new(pipe), Saying::new(tell)));
        let begun = Instant::now();
        for tenth in 0..36_000 {
            trainer.write_all(format!("\r{tenth} of 36000").as_bytes()).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
        // It hangs: the state that it has is seen.
        sleep(LONGEST_WAIT * 2).await;
        trainer.write_all(b"\r36000 of 36000\n").await.unwrap();
        drop(trainer);
        following.await.unwrap();
        assert!(begun.elapsed() > Duration::from_hours(1));
        let mut seen = Vec::new();
        while let Ok(said) = told.try_recv() {
            seen.push(said);
        }
        assert!((60..80).contains(&seen.len()), "{}", seen.len());
        let last = |nth: usize| seen[seen.len() - nth].clone();
        assert_eq!(last(2), Said::Line("35999 of 36000".to_owned()));
        assert_eq!(last(1), Said::Line("36000 of 36000".to_owned()));
    }
}

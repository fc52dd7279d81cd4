//! Durations as figures, and what else the machine was doing while they were taken.

use std::time::Duration;

/// Durations in order of size.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The smallest that is no smaller than so many hundredths of all; zero where there are none.
    pub fn at(&self, hundredths: usize) -> Duration {
        let place = (self.0.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = |hundredths| self.at(hundredths).as_secs_f64() * 1e3;
        let (half, most, all) = (milliseconds(50), milliseconds(99), milliseconds(100));
        write!(f, "{half:>9.2} {most:>9.2} {all:>9.2} {:>7}", self.count())
    }
}

/// The head of a table of [`Times`] in milliseconds.
pub const HEAD: &str = "   p50 ms    p99 ms    max ms   times";

/// The machine's load over one, five and fifteen minutes, the benchmark's own included.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let loads: Vec<_> = text.split(' ').take(3).collect();
    format!("load {} on {cores} cores", loads.join(" "))
}

/// Whether figures are wanted. Otherwise (`cargo test --benches`) it is enough that everything runs once.
pub fn wanted() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

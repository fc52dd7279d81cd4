//! A nearest-mean classifier over how often each byte occurs in an image's file. Small, and honest about what it is worth.

use std::collections::BTreeMap;

use serde::Serialize;

/// How often each byte occurs, as shares of the whole.
pub(super) type Features = Vec<f64>;

/// The mean of each class.
#[derive(Debug, Default, Serialize)]
pub(super) struct Model {
    means: BTreeMap<String, Mean>,
}

#[derive(Debug, Serialize)]
struct Mean {
    count: f64,
    features: Features,
}

impl Model {
    /// Takes one more example into account.
    pub(super) fn learn(&mut self, class: &str, features: &[f64]) {
        let mean = self
            .means
            .entry(class.to_owned())
            .or_insert_with(|| Mean { count: 0.0, features: vec![0.0; features.len()] });
        mean.count += 1.0;
        for (mean_of, seen) in mean.features.iter_mut().zip(features) {
            *mean_of += (seen - *mean_of) / mean.count;
        }
    }

    /// The class whose mean is nearest.
    pub(super) fn guess(&self, features: &[f64]) -> Option<&str> {
        let distance = |mean: &Mean| -> f64 {
            mean.features.iter().zip(features).map(|(a, b)| (a - b) * (a - b)).sum()
        };
        let nearest = self.means.iter().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        nearest.map(|(class, _)| class.as_str())
    }

    /// How many classes it knows.
    pub(super) fn classes(&self) -> usize {
        self.means.len()
    }
}

/// The features of a file.
#[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
pub(super) fn features(bytes: &[u8]) -> Features {
    let mut counts = [0_u64; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    counts.iter().map(|count| *count as f64 / bytes.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mean_is_guessed() {
        let mut model = Model::default();
        assert_eq!(model.guess(&features(b"a")), None);
        for example in [b"aab", b"aba", b"aaa"] {
            model.learn("a", &features(example));
        }
        model.learn("b", &features(b"bbb"));
        assert_eq!(model.guess(&features(b"aaaab")), Some("a"));
        assert_eq!(model.guess(&features(b"abbbb")), Some("b"));
        assert_eq!(model.classes(), 2);
    }
}

//! Learns the heads from labelled sentences: logistic regression, L2-regularised, the same result on every run.

use super::{Head, Heads};

/// Names of the heads, in their order.
pub const LABELS: [&str; 5] = ["question", "action_item", "follow_up", "positive", "negative"];

/// Weight of the squared weights in the loss, against one row.
const REGULARISATION: f32 = 1.0;

/// Enough for four digits on two thousand rows.
const STEPS: usize = 300;

/// Four digits after the point say all that the rows know.
const PRECISION: f32 = 1e4;

/// A labelled sentence.
#[derive(Debug, Clone)]
pub struct Example {
    /// From [`Heads::features`].
    pub features: Vec<f32>,
    /// For each of [`LABELS`], whether it holds; `None` counts neither way.
    pub labels: [Option<bool>; LABELS.len()],
}

/// Returns the heads that `examples` teach, over these grams.
pub fn fit(grams: Vec<String>, examples: &[&Example]) -> Heads {
    let heads = LABELS.iter().enumerate().map(|(index, name)| {
        let rows: Vec<(&[f32], f32)> = examples
            .iter()
            .filter_map(|example| {
                example.labels[index].map(|holds| (&*example.features, f32::from(u8::from(holds))))
            })
            .collect();
        fit_one(name, &rows)
    });
    Heads { heads: heads.collect(), grams }
}

/// Descends with Nesterov's momentum; the step is the inverse of the steepest curvature.
fn fit_one(name: &str, rows: &[(&[f32], f32)]) -> Head {
    let width = rows.first().map_or(0, |(features, _)| features.len());
    let step = 1.0 / (0.25 * steepest(rows, width) + REGULARISATION);
    let mut head = Head { name: name.to_owned(), bias: 0.0, weights: vec![0.0; width] };
    let mut ahead = head.clone();
    for number in 0..STEPS {
        let (slope, bias_slope) = gradient(&ahead, rows);
        let momentum = number as f32 / (number as f32 + 3.0);
        for (index, slope) in slope.iter().enumerate() {
            let moved = ahead.weights[index] - step * slope;
            ahead.weights[index] = moved + momentum * (moved - head.weights[index]);
            head.weights[index] = moved;
        }
        let moved = ahead.bias - step * bias_slope;
        ahead.bias = moved + momentum * (moved - head.bias);
        head.bias = moved;
    }
    let rounded = |value: f32| (value * PRECISION).round() / PRECISION;
    head.bias = rounded(head.bias);
    head.weights.iter_mut().for_each(|weight| *weight = rounded(*weight));
    head
}

fn gradient(head: &Head, rows: &[(&[f32], f32)]) -> (Vec<f32>, f32) {
    let mut slope: Vec<f32> = head.weights.iter().map(|weight| REGULARISATION * weight).collect();
    let mut bias_slope = 0.0;
    for (features, truth) in rows {
        let error = head.probability(features) - truth;
        bias_slope += error;
        add(&mut slope, features, error);
    }
    (slope, bias_slope)
}

/// Returns the largest eigenvalue of the rows' second moments (with a 1 for the bias), by power iteration.
fn steepest(rows: &[(&[f32], f32)], width: usize) -> f32 {
    let mut direction = vec![1.0 / (width as f32 + 1.0).sqrt(); width];
    let mut bias = 1.0;
    let mut largest = 1.0;
    for _ in 0..20 {
        let mut next = vec![0.0; width];
        let mut next_bias = 0.0;
        for (features, _) in rows {
            let along: f32 =
                bias + direction.iter().zip(*features).map(|(one, other)| one * other).sum::<f32>();
            next_bias += along;
            add(&mut next, features, along);
        }
        largest =
            next.iter().map(|value| value * value).sum::<f32>().mul_add(1.0, next_bias * next_bias).sqrt();
        if largest <= f32::EPSILON {
            return 1.0;
        }
        direction = next.iter().map(|value| value / largest).collect();
        bias = next_bias / largest;
    }
    // The iteration comes from below.
    largest * 1.05
}

fn add(sum: &mut [f32], values: &[f32], factor: f32) {
    for (total, value) in sum.iter_mut().zip(values) {
        *total += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::{Example, LABELS, fit};

    #[test]
    fn what_can_be_told_apart_is_learned_and_the_same_each_time() {
        let example = |value: f32| Example {
            features: vec![value, 0.3],
            labels: [Some(value > 0.0), Some(value < 0.0), None, Some(false), None],
        };
        let examples: Vec<Example> = [-2.0, -1.5, -1.0, 1.0, 1.5, 2.0].map(example).into();
        let examples: Vec<&Example> = examples.iter().collect();
        let heads = fit(Vec::new(), &examples);
        let sure = heads.probabilities(&[2.0, 0.3]);
        assert_eq!(sure.len(), LABELS.len());
        assert!(sure[0] > 0.8 && sure[1] < 0.2 && sure[3] < 0.3);
        assert_eq!(heads, fit(Vec::new(), &examples));
    }
}

//! STUB
pub fn polarity(text: &str) -> f64 {
    if text.contains("great") {
        0.6
    } else if text.contains("wrong") {
        -0.5
    } else {
        0.0
    }
}
pub fn suggested(polarity: f64) -> &'static str {
    if polarity > 0.3 {
        "positive"
    } else if polarity < -0.3 {
        "negative"
    } else {
        "neutral"
    }
}

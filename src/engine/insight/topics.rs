//! STUB
#[derive(Debug, Default)]
pub struct Topics {
    n: Vec<usize>,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    pub key: String,
    pub phrase: String,
    pub score: f64,
    pub root_words: Vec<String>,
    pub messages: Vec<usize>,
}
impl Topics {
    pub fn add(&mut self, message: usize, text: &str) {
        if text.contains("bill") {
            self.n.push(message)
        }
    }
    pub fn current(&self, _most: usize) -> Vec<Topic> {
        if self.n.is_empty() {
            vec![]
        } else {
            vec![Topic {
                key: "bill".into(),
                phrase: "bill".into(),
                score: 0.9,
                root_words: vec!["bill".into()],
                messages: self.n.clone(),
            }]
        }
    }
}

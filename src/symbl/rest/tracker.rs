//! Stored trackers (4.2).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stored tracker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tracker {
    /// 16 digits.
    pub id: String,
    /// Unique; case counts.
    pub name: String,
    /// For people.
    pub description: String,
    /// For people.
    pub categories: Vec<String>,
    /// For instance `en`.
    pub languages: Vec<String>,
    /// The phrases to watch for.
    pub vocabulary: Vec<String>,
    /// Phrases that are not meant; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_vocabulary: Vec<String>,
    /// Extension: how similar a sentence must be, 0 to 1; absent for the engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub threshold: Option<f64>,
    /// Extension: whether only close matches count; absent for the engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub strict: Option<bool>,
    /// ISO 8601.
    pub created_on: String,
    /// ISO 8601.
    pub updated_on: String,
}

/// One tracker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrackerAnswer {
    /// The tracker.
    pub tracker: Tracker,
}

/// Several trackers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrackersAnswer {
    /// Oldest first.
    pub trackers: Vec<Tracker>,
}

/// One tracker for one, several for several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TrackerOrTrackersAnswer {
    /// For one.
    One(Box<TrackerAnswer>),
    /// For several.
    Several(TrackersAnswer),
}

/// What a tracker is made of. Read by hand, so that complaints name what is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTracker {
    /// Unique; case counts.
    #[schema(min_length = 1, max_length = 256)]
    pub name: String,
    /// Phrases of letters, digits, spaces, `.`, `'` and `-`, each once.
    #[schema(min_items = 1, max_items = 1000)]
    pub vocabulary: Vec<String>,
    /// For people.
    #[schema(nullable)]
    pub description: Option<String>,
    /// For people.
    #[schema(nullable)]
    pub categories: Option<Vec<String>>,
    /// For instance `en`, which it is without this.
    #[schema(nullable)]
    pub languages: Option<Vec<String>>,
    /// Phrases that are not meant.
    #[schema(nullable)]
    pub exclude_vocabulary: Option<Vec<String>>,
    /// Extension: how similar a sentence must be; null for the engine's own.
    #[schema(nullable, minimum = 0, maximum = 1)]
    pub threshold: Option<f64>,
    /// Extension: whether only close matches count; null for the engine's own.
    #[schema(nullable)]
    pub strict: Option<bool>,
}

/// One tracker or several.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum NewTrackerOrTrackers {
    /// One.
    One(Box<NewTracker>),
    /// Several.
    Several(Vec<NewTracker>),
}

/// A step of a change, after JSON Patch.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TrackerChange {
    /// What to do.
    pub op: TrackerOperation,
    /// What to do it to.
    pub path: TrackerPath,
    /// A text or a list of texts; a number or a boolean for the extensions. `remove` empties the field without it.
    #[schema(value_type = Option<Value>)]
    pub value: Option<serde_json::Value>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrackerOperation {
    /// Adds to a list, or sets.
    Add,
    /// Sets.
    Replace,
    /// Takes out of a list, or empties.
    Remove,
}

/// What a step changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum TrackerPath {
    /// The name.
    #[serde(rename = "/name")]
    Name,
    /// The description.
    #[serde(rename = "/description")]
    Description,
    /// The categories.
    #[serde(rename = "/categories")]
    Categories,
    /// The languages.
    #[serde(rename = "/languages")]
    Languages,
    /// The phrases to watch for.
    #[serde(rename = "/vocabulary")]
    Vocabulary,
    /// Phrases that are not meant.
    #[serde(rename = "/excludeVocabulary")]
    ExcludeVocabulary,
    /// Extension.
    #[serde(rename = "/threshold")]
    Threshold,
    /// Extension.
    #[serde(rename = "/strict")]
    Strict,
}

/// A tracker is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackerDeleted {
    /// Its id.
    pub id: String,
    /// Always `tracker`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always true.
    pub deleted: bool,
}

//! The token route (1.1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An application's credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// Always `application`.
    #[serde(rename = "type")]
    pub kind: TokenKind,
    /// The application's id.
    #[schema(min_length = 1)]
    pub app_id: String,
    /// Its secret.
    #[schema(min_length = 1)]
    pub app_secret: String,
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// An application.
    Application,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// Goes into `Authorization: Bearer`.
    pub access_token: String,
    /// Seconds.
    pub expires_in: u64,
}

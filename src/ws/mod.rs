//! The one shell over actix-web-actors and awc.

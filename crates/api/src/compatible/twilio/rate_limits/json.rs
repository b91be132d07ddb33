//! Rate limits as Twilio shows them.

use crate::compatible::twilio::page::Meta;
use serde::Serialize;
use utoipa::ToSchema;

/// A rate limit.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioRateLimit)]
pub struct RateLimitBody {
    #[schema(pattern = "^RK[0-9a-f]{32}$")]
    pub sid: String,
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    pub service_sid: String,
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    pub account_sid: String,
    /// The name that a start uses.
    #[schema(pattern = "^[a-z0-9_-]{1,32}$")]
    pub unique_name: String,
    /// What the rate limit is for.
    #[schema(max_length = 256)]
    pub description: String,
    /// Always null: the server does not store it.
    #[schema(required = true)]
    pub date_created: Option<String>,
    /// Always null.
    #[schema(required = true)]
    pub date_updated: Option<String>,
    pub url: String,
    pub links: Links,
}

/// The URLs of the parts of a rate limit.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioRateLimitLinks)]
pub struct Links {
    pub buckets: String,
}

/// A page of rate limits.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioRateLimitList)]
pub struct RateLimitList {
    pub meta: Meta,
    pub rate_limits: Vec<RateLimitBody>,
}

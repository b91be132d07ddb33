//! Buckets as Twilio shows them.

use crate::compatible::twilio::page::Meta;
use serde::Serialize;
use utoipa::ToSchema;

/// A bucket: at most `max` starts in `interval` seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioBucket)]
pub struct BucketBody {
    #[schema(pattern = "^BL[0-9a-f]{32}$")]
    pub sid: String,
    #[schema(pattern = "^RK[0-9a-f]{32}$")]
    pub rate_limit_sid: String,
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    pub service_sid: String,
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    pub account_sid: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max: u32,
    #[schema(minimum = 1, maximum = 86_400)]
    pub interval: u32,
    /// Always null: the server does not store it.
    #[schema(required = true)]
    pub date_created: Option<String>,
    /// Always null.
    #[schema(required = true)]
    pub date_updated: Option<String>,
    pub url: String,
}

/// A page of buckets.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioBucketList)]
pub struct BucketList {
    pub meta: Meta,
    pub buckets: Vec<BucketBody>,
}

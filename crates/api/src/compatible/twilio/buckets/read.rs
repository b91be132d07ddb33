//! Reads the parameters of a bucket.

use crate::compatible::twilio::{error::Refusal, form::Form};
use countersign_core::tenant::limits::Bucket;
use utoipa::ToSchema;

/// A new bucket.
#[derive(ToSchema)]
#[schema(as = TwilioBucketForm, rename_all = "PascalCase")]
pub struct BucketForm {
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max: u32,
    /// The interval in seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub interval: u32,
}

impl BucketForm {
    /// Reads it.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        let BucketUpdate { max, interval } = BucketUpdate::read(form)?;
        let max = max.ok_or_else(|| Refusal::missing("Max"))?;
        Ok(Self { max, interval: interval.ok_or_else(|| Refusal::missing("Interval"))? })
    }
}

/// A change of a bucket.
#[derive(ToSchema)]
#[schema(as = TwilioBucketUpdate, rename_all = "PascalCase")]
pub struct BucketUpdate {
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max: Option<u32>,
    /// The interval in seconds. The SID of a bucket depends on its interval, so this changes the SID.
    #[schema(minimum = 1, maximum = 86_400)]
    pub interval: Option<u32>,
}

impl BucketUpdate {
    /// Reads it; each within its bounds.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        let max = form.number("Max")?;
        if max.is_some_and(|max| !Bucket::MAX.contains(&max)) {
            return Err(Refusal::invalid_because("Max", "must be 1 to 1000000"));
        }
        let interval = form.number("Interval")?;
        if interval.is_some_and(|interval| !Bucket::WINDOW.contains(&interval)) {
            return Err(Refusal::invalid_because("Interval", "must be 1 to 86400"));
        }
        Ok(Self { max, interval })
    }
}

//! Services as Twilio shows them.

use crate::compatible::twilio::{
    base::{Base, time},
    page::Meta,
    sid::{Kind, Sid},
};
use countersign_core::tenant::profile::{DisplayName, Profile};
use serde::Serialize;
use utoipa::ToSchema;

/// A service.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioService)]
pub struct Service {
    /// The profile.
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    sid: String,
    /// The tenant.
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    account_sid: String,
    /// The display name of the profile, or its name if it has none.
    #[schema(max_length = 32)]
    friendly_name: String,
    /// The number of characters in a code.
    #[schema(minimum = 4, maximum = 10)]
    code_length: u8,
    /// Always false.
    lookup_enabled: bool,
    /// Always false: a payment is optional.
    psd2_enabled: bool,
    /// Always true.
    skip_sms_to_landlines: bool,
    /// Always false.
    dtmf_input_required: bool,
    /// Always null, like every field of other channels.
    #[schema(required = true)]
    tts_name: Option<String>,
    /// Always true.
    do_not_share_warning_enabled: bool,
    /// Always false.
    custom_code_enabled: bool,
    /// Always null.
    #[schema(required = true)]
    push: Option<String>,
    /// Always null.
    #[schema(required = true)]
    totp: Option<String>,
    /// Always null.
    #[schema(required = true)]
    whatsapp: Option<String>,
    /// Always null.
    #[schema(required = true)]
    passkeys: Option<String>,
    /// Always null.
    #[schema(required = true)]
    default_template_sid: Option<String>,
    /// Always false.
    verify_event_subscription_enabled: bool,
    /// When the profile was made.
    #[schema(format = DateTime)]
    date_created: String,
    /// The same time as `date_created`: the server does not store times of changes.
    #[schema(format = DateTime)]
    date_updated: String,
    /// The URL of the service.
    url: String,
    /// The URLs of the parts of the service.
    links: Links,
}

/// The URLs of the parts of a service.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioServiceLinks)]
pub struct Links {
    verification_checks: String,
    verifications: String,
    rate_limits: String,
}

impl Service {
    pub fn new(base: &Base, profile: Profile) -> Self {
        let sid = Sid::new(Kind::Service, profile.id.bytes()).to_string();
        let url = base.url(&format!("/v2/Services/{sid}"));
        let friendly_name = profile.display_name.as_ref().map(DisplayName::as_str);
        Self {
            account_sid: Sid::new(Kind::Account, profile.tenant.bytes()).to_string(),
            friendly_name: friendly_name.unwrap_or(profile.name.as_str()).to_owned(),
            code_length: profile.policy.code_length,
            lookup_enabled: false,
            psd2_enabled: false,
            skip_sms_to_landlines: true,
            dtmf_input_required: false,
            tts_name: None,
            do_not_share_warning_enabled: true,
            custom_code_enabled: false,
            push: None,
            totp: None,
            whatsapp: None,
            passkeys: None,
            default_template_sid: None,
            verify_event_subscription_enabled: false,
            date_created: time(profile.created_at),
            date_updated: time(profile.created_at),
            links: Links {
                verification_checks: format!("{url}/VerificationCheck"),
                verifications: format!("{url}/Verifications"),
                rate_limits: format!("{url}/RateLimits"),
            },
            sid,
            url,
        }
    }
}

/// A page of services.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioServiceList)]
pub struct ServiceList {
    pub meta: Meta,
    pub services: Vec<Service>,
}

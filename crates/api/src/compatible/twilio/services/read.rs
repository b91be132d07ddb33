//! Reads the parameters of a service.

use crate::compatible::twilio::{error::Refusal, form::Form};
use countersign_core::{
    management::profiles::ProfileChange,
    tenant::profile::{DisplayName, Policy},
};
use utoipa::ToSchema;

/// Parameters that are refused with any value, because this server cannot do what they request, and what to do
/// instead; see docs/twilio.md.
const REFUSED: [(&str, &str); 1] = [("DefaultTemplateSid", "give TemplateSid with each start")];
/// Parameters that are refused only if they are `true`, and the reason.
const NOT_TRUE: [(&str, &str); 2] = [
    ("CustomCodeEnabled", "codes are always drawn here"),
    ("Psd2Enabled", "every service takes Amount and Payee, and none demands them"),
];

/// A service; see docs/twilio.md for all other parameters.
#[derive(ToSchema)]
#[schema(as = TwilioServiceForm, rename_all = "PascalCase")]
pub struct ServiceForm {
    /// A name for people; required to make a service.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 32)]
    pub friendly_name: Option<DisplayName>,
    /// The number of characters in a code; 6 by default.
    #[schema(minimum = 4, maximum = 10)]
    pub code_length: Option<u8>,
}

impl ServiceForm {
    /// Reads it.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        form.refuse(&REFUSED)?;
        for (name, why) in NOT_TRUE {
            if form.boolean(name)? == Some(true) {
                return Err(Refusal::invalid_because(name, why));
            }
        }
        let length = form.number("CodeLength")?.map(|length| {
            let length = u8::try_from(length).ok().filter(|length| Policy::CODE_LENGTH.contains(length));
            length.ok_or_else(|| Refusal::invalid_because("CodeLength", "must be 4 to 10"))
        });
        let friendly_name = form.parsed("FriendlyName", DisplayName::parse)?;
        Ok(Self { friendly_name, code_length: length.transpose()? })
    }
}

impl From<ServiceForm> for ProfileChange {
    fn from(ServiceForm { friendly_name, code_length }: ServiceForm) -> Self {
        Self { display_name: friendly_name.map(Some), code_length, ..Self::default() }
    }
}

//! The part of a message's text that a start decides.

use crate::{
    acts::start::request::{StartError, StartRequest},
    code::Code,
    id::TemplateId,
    message::{MessageText, text::CodeText},
    snapshot::view::TenantView,
    tenant::profile::Profile,
};

/// The set of texts that the start names.
pub(super) fn template(view: &TenantView, request: &StartRequest) -> Result<Option<TemplateId>, StartError> {
    let Some(name) = &request.template else { return Ok(None) };
    view.templates.get(name).map(|set| Some(set.id)).ok_or(StartError::UnknownTemplate)
}

/// The message of the start, with a sample code. Refuses a message with an app hash that is too long: the phone
/// would not pass it to the app.
pub(super) fn compose(
    view: &TenantView,
    profile: &Profile,
    request: &StartRequest,
    template: Option<TemplateId>,
) -> Result<MessageText, StartError> {
    let policy = &profile.policy;
    let code = Code::of_test_mode(request.code_length.unwrap_or(policy.code_length));
    let life = request.expires_in.unwrap_or(policy.expires_in);
    request.text(code, template).compose(view, life).ok_or(StartError::TextTooLong)
}

impl StartRequest {
    /// The code with the choices for its message text.
    pub(super) fn text(&self, code: Code, template: Option<TemplateId>) -> CodeText {
        let (origin, app_hash, locale) = (self.origin.clone(), self.app_hash.clone(), self.locale.clone());
        let (transaction, text, sender) = (self.transaction.clone(), self.text.clone(), self.sender.clone());
        CodeText { code, origin, app_hash, template, locale, transaction, text, sender }
    }
}

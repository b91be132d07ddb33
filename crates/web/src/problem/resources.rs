//! Turns the errors of resources into problems.

use super::{
    acts::limited,
    answer::Problem,
    fault::Fault,
    stores::{codes, directory},
    table::ProblemCode,
};
use countersign_core::{management::resources::ResourceError, ports::gateways::SettingFault};
use std::{sync::Arc, time::Duration};

/// Converts an error in a provider's settings. Delivery gives it a message but no code.
pub fn setting_fault(message: String) -> Fault {
    let code = match message.as_str() {
        "must be set" | "is missing" => "required",
        "is not known" => "unknown_field",
        _ => "invalid_format",
    };
    Fault::new(code, message)
}

fn fields_problem(faults: Vec<SettingFault>) -> Problem {
    let errors = faults.into_iter().map(|fault| setting_fault(fault.message).of_field(&fault.field));
    Problem::of_fields(&errors.collect::<Vec<_>>())
}

impl From<ResourceError> for Problem {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::NotFound(kind) => {
                Self::new(ProblemCode::NotFound, format!("There is no such {}.", kind.as_str()))
            }
            ResourceError::NameTaken(kind) => Self::new(
                ProblemCode::Conflict,
                format!("You have a {} of this name already.", kind.as_str()),
            ),
            ResourceError::Changed(_) => {
                Self::new(ProblemCode::Conflict, "Another change came first; read it and try again.")
            }
            ResourceError::InUse(routes) => {
                let detail = format!(
                    "These routes lead through the account: {}. Change them first.",
                    routes.join(", ")
                );
                Self::new(ProblemCode::Conflict, detail)
            }
            // This concerns the operator's accounts, which no key can change.
            ResourceError::InUseBy(_) => {
                Self::new(ProblemCode::Conflict, "Routes of other tenants lead through the account.")
            }
            ResourceError::MadeBefore(kind) => {
                let detail = format!(
                    "The first request with this Idempotency-Key was carried out; the {} that it made was renamed \
                        or deleted since.",
                    kind.as_str()
                );
                Self::new(ProblemCode::Conflict, detail)
            }
            ResourceError::Fields(faults) => fields_problem(faults),
            // A newer release may have written it, or this node may lack its key: another node can read it.
            ResourceError::Unreadable => {
                let detail = "What is stored cannot be read by this node.";
                Self::new(ProblemCode::DirectoryUnavailable, detail)
                    .retry_after(Duration::from_secs(1))
                    .caused_by(Arc::new(error))
            }
            ResourceError::Disabled => {
                Self::new(ProblemCode::Conflict, "The webhook is disabled; enable it first.")
            }
            ResourceError::NoMessage => Self::not_found("The webhook keeps no such message."),
            ResourceError::Idempotency(error) => error.into(),
            ResourceError::LiveByTest(error) => error.into(),
            ResourceError::NotShared(error) => error.into(),
            ResourceError::Limited(hit) => limited(hit),
            ResourceError::Codes(error) => codes(error),
            ResourceError::Directory(error) => directory(error),
        }
    }
}

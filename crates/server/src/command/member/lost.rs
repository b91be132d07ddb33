//! The operator's ways out for a person who lost the phone, a browser or the mailbox. Each is in the audit log of each
//! tenant of the person.

use crate::machine::rng;
use anyhow::{Context as _, anyhow};
use countersign_core::{
    access::change::Change,
    context::Management,
    id::PersonId,
    people::person::EmailAddress,
    ports::directory::people::People as _,
    sign_in::own::operator::{self, OperatorError},
};
use countersign_stores::{directory::SqlDirectory, people::SqlPeople};

/// The person with this address.
async fn person(
    management: &Management,
    directory: &SqlDirectory,
    email: &EmailAddress,
) -> anyhow::Result<PersonId> {
    let found = directory.find_person(email.mark(&management.keyring)).await;
    let found = found.context("The persons cannot be read")?;
    found.map(|person| person.id).ok_or_else(|| explain(OperatorError::NotFound))
}

fn explain(error: OperatorError) -> anyhow::Error {
    match error {
        OperatorError::NotFound => {
            anyhow!("Nobody has this address; `countersign member list` shows the members")
        }
        OperatorError::NotOn => anyhow!("Two-factor sign-in is off already"),
        OperatorError::Taken => anyhow!("The new address belongs to somebody else"),
        error => anyhow::Error::from(error).context("Nothing was changed"),
    }
}

pub(super) async fn reset_two_factor(
    management: &Management,
    directory: SqlDirectory,
    email: &EmailAddress,
    by: &Change,
) -> anyhow::Result<()> {
    let person = person(management, &directory, email).await?;
    let people = SqlPeople::new(directory);
    let reset = operator::reset_two_factor((management, &people), person, by, &mut rng()).await;
    reset.map_err(explain)?;
    eprintln!("Two-factor sign-in is off, and the person is signed out everywhere. A mail says so.");
    Ok(())
}

pub(super) async fn sign_out(
    management: &Management,
    directory: SqlDirectory,
    email: &EmailAddress,
    by: &Change,
) -> anyhow::Result<()> {
    let person = person(management, &directory, email).await?;
    let people = SqlPeople::new(directory);
    let signed_out = operator::sign_out((management, &people), person, by, &mut rng()).await;
    signed_out.map_err(explain)?;
    eprintln!("The person is signed out everywhere, and no browser is known as theirs. A mail says so.");
    Ok(())
}

pub(super) async fn set_email(
    management: &Management,
    directory: SqlDirectory,
    (email, to): (&EmailAddress, &EmailAddress),
    by: &Change,
) -> anyhow::Result<()> {
    let person = person(management, &directory, email).await?;
    let people = SqlPeople::new(directory);
    let set = operator::set_email((management, &people), person, to, by, &mut rng()).await;
    set.map_err(explain)?;
    eprintln!(
        "The person has the new address, and is signed out everywhere. Mails to both addresses say so."
    );
    Ok(())
}

//! The list of the statements about what persons sign in with.

use super::{
    account, activity, change, codes, devices, ending, forms, links, reminders, sessions, sign_in, waits,
};
use crate::sql::Statement;

/// Every statement; tests run each one on both engines.
pub const STATEMENTS: &[&Statement] = &[
    &waits::COUNT_IN_LADDER,
    &waits::COUNT_IN_WINDOW,
    &waits::GIVE_BACK,
    &waits::SELECT_WAIT,
    &waits::RESET,
    &waits::FORGET,
    &account::SELECT_ACCOUNT,
    &account::FIND_ACCOUNT,
    &account::FORMER_PASSWORDS,
    &account::COUNT_RECOVERY_CODES,
    &account::EVER_HAD_PEOPLE,
    &account::DUE_RESETS,
    &account::PHONES_NOT_SEALED_WITH,
    &account::COUNT_PHONES_SEALED_WITH,
    &account::COUNT_PENDING_SEALED_WITH,
    &account::RESEAL_PHONE,
    &change::RAISE,
    &change::REMEMBER_PASSWORD,
    &change::FORGET_PASSWORDS,
    &change::SET_PASSWORD,
    &change::REHASH,
    &change::SET_PHONE,
    &change::SET_RESET,
    &change::SET_EMAIL,
    &change::SET_PROFILE,
    &change::SET_LENGTHS,
    &change::DELETE_RECOVERY_CODES,
    &change::INSERT_RECOVERY_CODE,
    &change::USE_RECOVERY_CODE,
    &change::USE_PROOF,
    &change::NOBODY_YET,
    &change::USE_SET_UP_LINK,
    &sign_in::END_FORMER,
    &sign_in::END_FORMER_PROOF,
    &sign_in::SEE_DEVICE,
    &sign_in::OWN_DEVICE,
    &sign_in::INSERT_SESSION,
    &sign_in::END_OLDEST,
    &sign_in::DROP_PROOFS,
    &sessions::SELECT_SESSION,
    &sessions::TOUCH_SESSION,
    &sessions::TOUCH_DEVICE,
    &sessions::TOUCH_OWN_DEVICE,
    &sessions::ENTER_TENANT,
    &sessions::RENEW_SESSION,
    &sessions::KEEP_SESSION,
    &sessions::SET_FLASH,
    &sessions::LIST_SESSIONS,
    &sessions::LIST_TENANT_SESSIONS,
    &ending::FIND_SESSIONS,
    &ending::END_SESSIONS,
    &ending::END_PROOFS,
    &ending::FORGET_SESSIONS,
    &ending::FORGET_HALVES,
    &ending::FORGET_PROOFS,
    &ending::FORGET_LINKS,
    &ending::FORGET_FORMS,
    &codes::STANDING_PERSON,
    &codes::INSERT_HALF,
    &codes::SELECT_HALF,
    &codes::NOTE_HALF_SENT,
    &codes::COUNT_RECOVERY_TRY,
    &codes::END_HALF,
    &codes::FINISH_HALF,
    &codes::DELETE_HALVES,
    &codes::DELETE_PROOFS,
    &codes::STANDING_SESSION,
    &codes::BEGIN_PROOF,
    &codes::SELECT_PROOF,
    &codes::NOTE_PROOF_SENT,
    &codes::PERSON_OF_PROOF,
    &devices::SELECT_DEVICE,
    &devices::SELECT_OWN_DEVICE,
    &devices::LIST_DEVICES,
    &devices::TRUST_DEVICE,
    &devices::UNTRUST_DEVICES,
    &devices::END_DEVICE_PROOFS,
    &devices::END_DEVICE_SESSIONS,
    &devices::FORGET_OWN_DEVICE,
    &devices::FORGET_OTHER_DEVICES,
    &devices::FORGET_DEVICE_PEOPLE,
    &devices::FORGET_DEVICES,
    &links::LOCK_PERSON,
    &links::COUNT_LINKS,
    &links::INSERT_LINK,
    &links::DELETE_SET_UP_LINKS,
    &links::SELECT_LINK,
    &links::SELECT_NEWEST_LINK,
    &links::USE_LINK,
    &links::END_LINKS,
    &links::END_LATER_UNDO_LINKS,
    &forms::KEEP_FORM,
    &forms::TAKE_FORM,
    &reminders::PEOPLE_TO_REMIND,
    &reminders::NOTE_REMINDED,
    &reminders::MEMBERS_WITH_POOLS,
    &reminders::NOTE_POOL_TOLD,
    &activity::INSERT_SIGN_IN,
    &activity::COUNT_GUESS,
    &activity::NOTE_MAILED,
    &activity::LIST_SIGN_INS,
    &activity::LIST_TENANT_SIGN_INS,
    &activity::FORGET_SIGN_INS,
];

#[cfg(test)]
mod tests {
    use super::STATEMENTS;
    use crate::{people::NOTICES, sql::rules};

    #[test]
    fn statements_keep_to_the_shared_dialect() {
        let broken: Vec<_> = STATEMENTS.iter().filter_map(|one| rules::check(one).err()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn every_statement_is_in_the_list() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/people")).unwrap();
        let sources = folder.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        // The text is in two parts, so that the count does not include this line.
        let definition = concat!(": Statement", " =");
        let written: usize = sources.map(|source| source.matches(definition).count()).sum();
        let mut texts: Vec<_> = STATEMENTS.iter().chain(NOTICES).map(|statement| statement.text).collect();
        assert_eq!(written, texts.len());
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), written, "a statement is twice in the list");
    }
}

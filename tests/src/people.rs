//! What the portal needs of persons, on each engine.

pub mod door;
mod notices;
mod signing_in;
mod visiting;

crate::directory::on_each_engine!(
    notices::a_notice_is_held_sent_and_deleted,
    notices::workers_at_once_never_hold_one_notice,
    notices::only_the_newest_claim_settles,
    notices::of_too_many_of_a_kind_the_rest_is_dropped_and_counted,
    notices::what_waits_goes_over_to_the_newest_seal_key,
    signing_in::a_person_signs_in_with_the_password_and_a_code,
    signing_in::nobody_learns_whether_an_address_is_known,
    signing_in::wrong_passwords_make_the_next_ones_wait,
    signing_in::a_flood_of_guesses_does_not_lock_the_owner_out,
    signing_in::a_known_browser_has_tries_of_its_own,
    signing_in::parallel_guesses_are_never_more_than_the_waits_allow,
    signing_in::a_code_of_one_attempt_completes_no_other,
    signing_in::a_half_way_sign_in_sends_three_codes_and_ends,
    signing_in::a_code_that_a_dead_process_used_up_is_replaced,
    signing_in::nothing_half_way_outlasts_a_change_of_the_account,
    signing_in::one_recovery_code_signs_in_once,
    signing_in::attempts_are_noted_and_strange_browsers_are_mailed,
    visiting::a_person_enters_a_tenant_and_leaves,
    visiting::a_session_ends_by_its_lengths,
    visiting::a_tenant_demands_what_is_missing,
    visiting::a_kept_session_has_shown_the_first_code,
    visiting::a_late_form_comes_back_once,
    visiting::an_invited_person_joins_once,
    visiting::the_first_person_is_made_once,
);

//! What the portal needs of persons, on each engine.

pub mod accounts;
mod activity;
mod codes;
mod devices;
pub mod door;
mod endings;
mod ends;
mod links;
mod mails;
mod notices;
mod own;
mod phone;
mod races;
mod sessions;
mod signing_in;
mod statements;
mod visiting;
mod waits;
mod work;
pub mod world;

crate::directory::on_each_engine!(
    mails::owners_hear_of_new_owners_and_of_codes,
    mails::an_invitation_and_its_mail_are_one,
    mails::a_person_shut_out_everywhere_accepts_an_invitation,
    mails::an_old_password_is_mailed_once_each_time_that_it_is_due,
    mails::owners_hear_once_of_a_pool_that_is_mostly_used,
    notices::a_notice_is_held_sent_and_deleted,
    notices::workers_at_once_never_hold_one_notice,
    notices::only_the_newest_claim_settles,
    notices::of_too_many_of_a_kind_the_rest_is_dropped_and_counted,
    notices::what_waits_goes_over_to_the_newest_seal_key,
    signing_in::a_change_of_a_disabled_member_ends_nothing,
    signing_in::a_person_signs_in_with_the_password_and_a_code,
    signing_in::nobody_learns_whether_an_address_is_known,
    signing_in::wrong_passwords_make_the_next_ones_wait,
    signing_in::a_flood_of_guesses_does_not_lock_the_owner_out,
    signing_in::right_passwords_have_a_bound_too,
    signing_in::a_known_browser_has_tries_of_its_own,
    signing_in::parallel_guesses_are_never_more_than_the_waits_allow,
    signing_in::a_code_of_one_attempt_completes_no_other,
    signing_in::a_half_way_sign_in_sends_three_codes_and_ends,
    signing_in::a_code_that_a_dead_process_used_up_is_replaced,
    signing_in::nothing_half_way_outlasts_a_change_of_the_account,
    signing_in::one_recovery_code_signs_in_once,
    signing_in::attempts_are_noted_and_strange_browsers_are_mailed,
    visiting::a_person_enters_a_tenant_and_leaves,
    visiting::entering_in_a_loop_leaves_few_rows,
    visiting::a_session_ends_by_its_lengths,
    visiting::a_tenant_demands_what_is_missing,
    visiting::a_kept_session_has_shown_the_first_code,
    visiting::a_late_form_comes_back_once,
    visiting::an_invited_person_joins_once,
    visiting::the_first_person_is_made_once,
    accounts::an_account_changes_only_as_it_was_read,
    accounts::a_change_ends_what_was_begun_before,
    accounts::former_passwords_are_remembered_in_their_order,
    accounts::two_factors_come_and_go_with_their_codes,
    accounts::an_address_has_one_person,
    accounts::a_set_up_link_makes_one_person,
    accounts::a_phone_goes_over_to_the_newest_key,
    activity::guesses_are_added_up,
    activity::attempts_are_listed_newest_first_and_forgotten,
    activity::a_known_browser_gets_a_mail_seldom,
    codes::a_half_way_sign_in_lasts_until_its_end,
    codes::a_proof_is_good_once_for_what_it_was_made,
    endings::nothing_that_waits_outlasts_a_disabled_member_or_tenant,
    endings::who_has_another_tenant_goes_on_there,
    endings::an_end_and_what_waits_at_once_on_two_nodes,
    devices::a_browser_belongs_to_who_finished_a_sign_in_there,
    devices::browsers_are_forgotten,
    ends::a_person_that_is_deleted_leaves_nothing,
    ends::an_erased_tenant_takes_its_people_along,
    ends::what_nobody_can_use_is_forgotten,
    links::a_link_is_good_once_and_counts_for_an_hour,
    races::of_sign_ins_with_one_recovery_code_one_is_finished,
    races::of_sign_ins_with_one_half_one_is_finished,
    races::of_acceptances_of_one_invitation_one_counts,
    races::of_changes_with_one_proof_one_counts,
    races::nothing_of_the_former_epoch_is_completed,
    sessions::a_session_begins_only_as_the_person_is,
    sessions::a_session_is_read_touched_and_renewed,
    sessions::sessions_end_with_entries,
    sessions::a_person_has_only_so_many_sessions,
    sessions::each_tenant_has_an_entry_of_its_own_member,
    sessions::a_late_form_is_kept_for_its_person_and_tenant,
    waits::the_ladder_and_the_window_make_wait,
    waits::of_tries_at_once_only_the_free_ones_count,
);

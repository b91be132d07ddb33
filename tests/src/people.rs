//! What the portal needs of persons, on each engine.

mod notices;

crate::directory::on_each_engine!(
    notices::a_notice_is_held_sent_and_deleted,
    notices::workers_at_once_never_hold_one_notice,
    notices::only_the_newest_claim_settles,
    notices::of_too_many_of_a_kind_the_rest_is_dropped_and_counted,
    notices::what_waits_goes_over_to_the_newest_seal_key,
);

//! outdial: an outbound dialer. A contact list is uploaded, each running campaign calls it through Twilio, one
//! contact at a time, inside the hours, with retries, until everybody is reached or given up.
//!
//! # Layout
//!
//! The database is the truth; one pure function decides ([`domain::dialer::next_step`]) and one actor per campaign
//! acts. Who may use whom, and nothing else:
//!
//! ```text
//! main → app → http → actors → db, twilio → domain
//!        app → dashboard → http, db: the pages; what they do is done through the API by the browser
//!              http → import → domain
//!              http → events → db: what happens, as it is told to those who follow
//!              http → hooks → events, actors: what happens, told to others by POSTs
//!              hooks, actors → receivers → db: how POSTs get to the servers of others
//!                     actors → rules → domain: the packs of calling rules, read from files by app
//!       simulator stands alone: it speaks HTTP, and shares only twilio's vocabulary and signature
//!       demo, list_command and client stand outside: they are a person with a list, or at a terminal, and ask the API
//!       desk is the API in a command's own process, without anything that calls people, for whoever asks no server
//!       node_table shows who works on the database, for cli
//!       keys makes API keys and teams, for http, app and cli, and keeps no secret
//!       embedded runs a private PostgreSQL; cli says what may be typed
//!       zone_files reads zone data for domain, at the start
//!       json reads what comes in as JSON, for http, rules and list_command, and says what is wrong with it
//!       telemetry holds the figures of a node, for all that act; domain and db never see it
//!       config and clock are leaves; domain and db never see them
//! ```
//!
//! # Promises
//!
//! Each with the tests that hold it, the strongest first, and with the constraints by which the database does. Those of
//! `it::` are run by `cargo test --test it`, all others by `cargo test --lib`. That they are all there is a test, too.
//!
//! 1. At most one ring per intent: at most one request to place a call leaves for an attempt, ever.
//!    * `it::model::three_processes_and_two_tries_of_a_contact_keep_every_promise`: in every
//!      order of stops, deaths and lost answers
//!    * `it::model::a_lost_request_that_is_repeated_leaves_twice`: and the model sees what breaks it
//!    * `domain::simulation::campaigns_keep_their_promises_in_all_weathers`
//!    * `twilio::single_shot::tests::it_leaves_once_and_cannot_be_taken_back_afterwards`
//!    * `twilio::client::tests::a_connection_closed_unread_is_unknown_or_not_sent_and_never_tried_again`
//!    * `it::scenes::faults::a_call_whose_answer_was_lost_is_found_again_and_never_placed_twice`
//!    * `it::scenes::supervision::a_program_that_is_killed_in_the_middle_of_a_call_finds_the_call_again`
//!    * `it::chaos::a_short_storm_breaks_no_promise`, and for minutes
//!      `it::chaos::a_long_storm_breaks_no_promise`
//!    * in the tables: `numbers_are_not_reused`, `one_attempt_per_call`
//! 2. One call at a time per campaign, and per number.
//!    * `it::queries::open_calls::the_table_itself_refuses_a_second_open_call_of_a_campaign_or_a_number`
//!    * `it::queries::a_campaign_never_has_two_open_attempts`
//!    * `it::queries::a_number_that_another_campaign_is_calling_is_passed_over_for_a_minute`
//!    * `it::model::two_contacts_keep_every_promise`
//!    * `it::model::without_fence_and_index_two_attempts_are_open_and_two_calls_ring`: and the model sees what
//!      breaks it
//!    * `domain::simulation::campaigns_keep_their_promises_in_all_weathers`
//!    * `it::chaos::a_short_storm_breaks_no_promise`; every scene ends by asking the provider's ledger
//!    * in the tables: `one_open_call_per_campaign`, `one_open_call_per_number`,
//!      `a_campaign_calls_one_contact_at_a_time`
//! 3. Never outside the hours, nor later than a second after a pause or an opt-out was committed.
//!    * `domain::simulation::year::in_a_year_no_request_leaves_at_a_forbidden_minute`
//!    * `domain::simulation::campaigns_keep_their_promises_in_all_weathers`
//!    * `domain::dialer::tests::nobody_is_dialed_unless_nothing_stands_against_it`
//!    * `domain::dialer::tests::a_contact_is_dialed_only_if_it_can_ring_to_its_end_before_the_hours_end`
//!    * `domain::hours::tests::around_every_change_of_clocks_it_agrees_with_counting_minutes`
//!    * `it::queries::race::nobody_is_called_too_often_or_after_his_opt_out_in_a_race_of_ten_thousand_claims`
//!    * `it::queries::a_pause_between_the_claim_and_the_request_withdraws_it`
//!    * `twilio::single_shot::tests::it_does_not_leave_after_its_deadline`
//!    * `it::scenes::suppression::no_request_leaves_later_than_a_second_after_an_opt_out_in_any_running_campaign`
//!    * `it::scenes::hours::people_are_called_when_it_is_the_time_where_they_are_and_those_first_where_it_is`
//! 4. Nobody is forgotten: every contact is final or has a time at which it is due.
//!    * `it::model::three_owners_one_after_the_other_keep_every_promise`
//!    * `it::model::a_dialer_that_never_asks_forgets_somebody`: and the model sees what breaks it
//!    * `domain::simulation::campaigns_keep_their_promises_in_all_weathers`
//!    * `domain::dialer::tests::a_running_campaign_with_somebody_left_is_never_given_up`
//!    * `domain::dialer::tests::an_open_attempt_is_looked_after_in_every_state`
//!    * `it::queries::settling_happens_once_and_the_counters_say_what_the_rows_say`
//!    * `it::queries::contacts_that_are_stranded_are_found_and_due_again`
//!    * `it::scenes::faults::a_request_that_left_no_trace_ends_as_unknown_and_is_retried_after_the_backoff`
//!    * `it::scenes::supervision::a_program_that_is_stopped_and_started_again_goes_on_where_it_was`
//!    * `it::scenes::database::silence::a_node_that_is_cut_off_from_the_database_dials_no_more_and_another_goes_on`
//!    * `it::queries::ownership::a_database_whose_clock_is_set_back_by_an_hour_stops_nobody_for_an_hour`
//!    * `it::chaos::a_short_storm_breaks_no_promise`
//!    * in the tables: `due_exactly_while_pending`, `completed_campaigns_have_nobody_left`, `counts_are_not_negative`
//! 5. Webhooks may come twice, late, out of order, early or never: the result is the same.
//!    * `domain::attempt::tests::whatever_arrives_gives_one_result_in_every_order_and_multiplicity`
//!    * `it::queries::facts::the_table_merges_what_is_heard_exactly_as_the_fold_does`
//!    * `it::queries::facts::what_another_node_writes_meanwhile_is_merged_and_not_overwritten`
//!    * `it::model::callbacks_that_overwrite_let_a_status_regress`: and the model sees what breaks it
//!    * `it::scenes::webhooks::a_callback_that_is_answered_with_2xx_is_durable_and_may_come_again_and_again`
//!    * `it::scenes::webhooks::while_the_database_is_away_a_callback_is_sent_back_and_the_called_person_hears_no_error`
//!    * `it::scenes::faults::a_callback_that_comes_before_the_answer_to_the_request_finds_its_attempt`
//!    * `it::scenes::faults::a_call_whose_callbacks_are_all_lost_is_asked_about`
//!    * `it::scenes::faults::callbacks_that_are_doubled_and_out_of_order_change_nothing`
//!    * `it::chaos::a_short_storm_breaks_no_promise`
//!    * in the tables: `a_status_has_its_key`
//! 6. One bad row, contact or campaign never stops the others.
//!    * `it::queries::facts::a_call_that_is_certainly_another_attempt_s_is_told_so_every_time`
//!    * `it::queries::facts::a_batch_is_recorded_whole_and_one_stranger_in_it_costs_nobody_else`
//!    * `it::queries::poison::a_claim_that_fails_says_whose_row_it_is_and_the_others_are_called_once_that_one_is_set_aside`
//!    * `it::queries::poison::only_what_a_row_holds_is_a_contact_s_and_nothing_that_a_database_in_trouble_says`
//!    * `it::scenes::poison::a_contact_that_makes_its_campaign_fail_is_set_aside_with_the_error_and_the_others_are_called`
//!    * `import::tests::any_table_is_accounted_for_and_no_line_is_lost`
//!    * `it::corpus::lists_made_worse_are_refused_or_accounted_for`
//!    * `it::scenes::supervision::a_campaign_whose_actor_panics_is_back_after_a_tick`
//!    * `it::scenes::faults::a_number_that_the_provider_refuses_ends_its_contact_and_nobody_else_s`
//!    * `it::scenes::faults::a_call_that_the_provider_has_forgotten_is_given_up_once_and_stops_nobody`
//!    * `it::scenes::hours::a_campaign_is_paused_for_a_zone_that_the_data_in_use_does_not_know_and_others_go_on`
//! 7. It can always say why.
//!    * `domain::dialer::tests::the_table_leaves_no_step_and_no_reason_out`
//!    * `domain::dialer::tests::whoever_asks_is_told_what_a_campaign_waits_for`
//!    * `domain::dialer::tests::every_reason_has_a_sentence_of_its_own`
//!    * `domain::next_call::tests::it_says_when_somebody_is_called_next_and_why_not_now`
//!    * `domain::phone::tests::refusals_have_their_reasons`
//!    * `it::scenes::api::an_upload_says_what_became_of_every_row`
//!    * `it::scenes::api::an_illegal_move_says_from_which_state_to_which`
//!    * `it::scenes::hours::outside_its_hours_a_campaign_calls_nobody_and_says_until_when`
//!    * `it::scenes::before_call::without_an_answer_nobody_is_called_and_it_is_said_why`
//!    * `it::scenes::faults::a_refused_account_pauses_the_campaign_with_the_reason_and_burns_no_attempt`
//!    * in the tables: `paused_and_failed_campaigns_say_why`, `closed_accounts_say_why`,
//!      `refused_rows_keep_their_cells`

pub mod actors;
pub mod app;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod db;
pub mod demo;
pub mod desk;
pub mod domain;
pub mod embedded;
pub mod events;
pub mod hooks;
pub mod http;
pub mod import;
mod json;
pub mod keys;
pub mod list_command;
pub mod node_table;
pub mod receivers;
pub mod rules;
pub mod simulator;
pub mod telemetry;
pub mod twilio;
pub mod zone_files;

/// The machine's own allocator is slow at memory that one thread takes and another gives back, as readers of lists do: a
/// list is read a third faster with this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

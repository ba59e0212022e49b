//! What every dialect does, case by case.
//!
//! Each case is a function over a [`Subject`](crate::Subject), in a file by theme. The table below is the only list: it makes [`CASES`] and
//! the tests of [`conformance_suite!`](crate::conformance_suite). A case that is not in it is dead code, which is refused.
//!
//! In brackets stands what a case needs a dialect to claim; after `unless`, what it must not claim, for the case is about
//! the lack of it.

#![deny(dead_code)]
#![allow(clippy::unwrap_used, reason = "a case fails by panicking")]

mod case;
mod need;
mod prelude;
mod table;

pub use case::{Case, Standing, test};
pub use need::{Claims, Need};

/// Makes, of the table of cases, a module for each theme, the list of cases, and the macro that makes a test of each. The
/// first argument is a `$`, for the macro within the macro.
macro_rules! suite {
    ($d:tt $($(#[$docs:meta])* $theme:ident {
        $($case:ident $([$($need:ident),+])? $(unless $lack:ident)?,)*
    })*) => {
        $(
            $(#[$docs])*
            mod $theme;
        )*

        /// Every case, by theme.
        pub const CASES: &[Case] = &[$($(
            Case {
                theme: stringify!($theme),
                name: stringify!($case),
                needs: &[$($(Need::$need),+)?],
                unless: unless!($($lack)?),
                run: $theme::$case,
            },
        )*)*];

        /// Makes a module of that name with one test a case, each on a [fresh](crate::Fixture::fresh) database of that
        /// [`Fixture`](crate::Fixture).
        ///
        /// The tests are named by theme and case: `sqlite_file::expiry::hides_at_the_very_moment`. What the dialect does
        /// not claim is not asked of it, except that it refuses to do it.
        #[macro_export]
        macro_rules! conformance_suite {
            ($d name:ident, $d fixture:ty) => {
                mod $d name {
                    #[allow(unused_imports)]
                    use super::*;

                    $(
                        mod $theme {
                            #[allow(unused_imports)]
                            use super::*;

                            $(
                                #[test]
                                fn $case() {
                                    $d crate::suite::test::<$d fixture>(stringify!($theme), stringify!($case));
                                }
                            )*
                        }
                    )*
                }
            };
        }
    };
}

/// Makes an option of what may stand after `unless`.
macro_rules! unless {
    () => {
        None
    };
    ($need:ident) => {
        Some(Need::$need)
    };
}

suite! {
    $
    /// What was put is what is got.
    round_trip {
        put_then_get,
        defaults,
        every_field,
        texts_at_their_longest,
        texts_at_their_shortest,
        content_of_one_mebibyte,
        metadata_of_one_mebibyte,
        metadata_at_its_deepest,
        a_thousand_related_threads,
        the_first_and_the_last_year,
        importance_at_its_ends,
        texts_of_every_kind,
        ids_of_every_kind,
        canonical_metadata_byte_for_byte,
        many_at_once_in_the_order_asked_for,
        missing_and_repeated_ids,
        nothing_asked_for,
    }

    /// Puts, over nothing and over something.
    put {
        takes_the_time_of_the_call,
        takes_a_created_at_of_its_own,
        over_another_replaces_every_field,
        over_another_keeps_created_at,
        with_the_same_created_at_is_fine,
        with_another_created_at_conflicts,
        never_sets_updated_at_back,
        counts_revisions,
        expecting_absence,
        expecting_a_revision,
        past_the_last_revision_fails,
    }

    /// Updates and removals.
    update {
        sets_every_field,
        clears_what_may_be_absent,
        keeps_what_it_does_not_name,
        never_sets_updated_at_back,
        of_nothing_is_not_found,
        that_changes_nothing_is_refused,
        to_the_same_value_counts,
        expecting_a_revision,
        expecting_absence,
        replaces_metadata_as_a_whole,
        delete_tells_whether_it_was_there,
        delete_expecting_a_revision,
        delete_expecting_absence,
    }

    /// Batches: one after the other, all or nothing.
    batch {
        reports_one_outcome_a_mutation,
        of_nothing_does_nothing,
        fails_as_a_whole,
        names_the_first_fault,
        names_no_place_in_a_batch_of_one,
        sees_its_own_writes,
        writes_one_id_many_times,
        takes_away_and_puts_again,
        fails_by_its_own_writes,
        updates_what_it_has_just_put,
        gives_every_write_the_same_time,
        at_its_greatest,
        beyond_its_greatest_is_refused,
        beyond_its_greatest_payload_is_refused,
        of_large_rows,
    }

    /// Whole rows, as import and copy write them.
    restore {
        takes_times_and_revision_as_they_are,
        fails_over_another,
        skips_another,
        replaces_another,
        goes_on_counting_from_the_revision,
        over_an_expired_row_counts_as_new,
        of_an_expired_row_keeps_it_hidden,
        twice_in_one_batch,
    }

    /// Memories whose time is over.
    expiry {
        hides_from_every_read,
        hides_at_the_very_moment,
        leaves_what_never_expires,
        lets_a_put_count_as_new,
        lets_a_put_bring_another_created_at,
        is_absence_for_expectations,
        is_absence_for_update_and_delete,
        of_a_memory_that_is_put_expired,
        within_a_batch,
        can_be_put_off_and_cleared,
        is_not_what_delete_matching_removes,
        a_delete_removes_the_expired_row,
        sweep_removes_what_expired,
        sweep_keeps_its_limit,
        is_counted_in_the_list_of_namespaces,
    }

    /// Orders and pages.
    order {
        every_order_is_total,
        ties_go_by_id,
        ids_compare_as_unsigned_bytes,
        early_times_come_first,
        pages_of_every_size_make_the_whole,
        the_last_page_is_never_empty,
        a_cursor_survives_its_memory,
        a_cursor_survives_as_text,
        a_cursor_of_another_query_is_refused,
        a_cursor_with_another_limit_goes_on,
        what_is_written_behind_the_cursor_stays_out,
        the_limit_has_bounds,
        a_page_ends_by_its_bytes,
        a_page_holds_one_row_however_large,
        iteration_walks_every_page,
    }

    /// Conditions.
    selection {
        each_condition_by_itself,
        conditions_combined,
        ranges_are_half_open,
        ranges_at_the_ends_of_time,
        an_empty_range_selects_nothing,
        any_of_several_tiers,
        any_of_several_related_threads [RelatedThreads],
        a_thousand_alternatives [RelatedThreads],
        texts_match_by_their_bytes [RelatedThreads],
        count_agrees_with_query,
        delete_matching_removes_what_query_shows,
        delete_matching_of_all,
        namespaces_are_apart,
        namespaces_compare_by_their_bytes,
    }

    /// Filters on metadata.
    containment {
        the_rules_of_postgresql [Containment],
        numbers_are_exact_decimals [Containment],
        strings_are_equal_by_their_bytes [Containment],
        roots_that_are_no_object_select_nothing [Containment],
        combined_with_conditions_orders_and_pages [Containment],
        follows_every_write [Containment],
        over_large_documents [Containment],
        of_generated_documents [Containment],
    }

    /// The operators of the filter language.
    operators {
        exists [Filters],
        equality [Filters],
        any_of_several_values [Filters],
        prefixes [Filters],
        arrays [Filters],
        logic_has_two_values [Filters],
    }

    /// Comparisons in the filter language.
    comparison {
        comparisons [Filters],
        numbers_compare_as_exact_decimals [Filters],
        strings_compare_by_their_bytes [Filters],
    }

    /// Paths of the filter language.
    paths {
        containment_below_a_key [Containment, Filters],
        steps_of_a_path_have_a_type [Filters],
    }

    /// Filters on a memory's own fields.
    fields {
        of_text [Filters],
        of_importance [Filters],
        of_time [Filters],
        with_metadata_beside_them [Filters],
        lists_of_nothing_select_nothing [Filters],
        agree_with_the_conditions_of_selections [Filters],
    }

    /// Filters beside all else that a query may say.
    filters {
        of_rust_and_of_json_are_one [Filters, Containment],
        go_with_conditions_orders_and_pages [Filters],
        go_through_many_of_one_time [Filters],
        times_within_one_millisecond_keep_their_order [Filters],
        delete_what_they_select [Containment, Filters],
        never_select_what_expired [Filters],
        know_only_their_namespace [Filters],
        past_their_limits_are_refused [Filters],
        at_their_greatest [Filters],
        of_every_generated_kind [Filters, Containment],
        containment_is_one_of_them [Containment, Filters],
    }

    /// How queries are answered.
    explain {
        tells_true_numbers,
        tells_of_every_generated_filter,
        of_nothing_at_all [Filters],
        names_the_dialect_and_the_statement [Filters],
        is_refused_where_the_query_is [Filters],
    }

    /// What is derived from memories.
    derived {
        nothing_is_wrong_after_any_write [Filters],
        a_load_is_a_batch [BulkLoad],
        what_was_loaded_is_found_before_and_after [BulkLoad],
        optimize_is_done_once [BulkLoad],
        optimize_takes_away_what_is_stale [BulkLoad, Filters],
        generated_writes_leave_nothing_wrong,
        belongs_to_writers_at_once [Filters],
    }

    /// Indexes declared on one path of the metadata.
    declared {
        is_listed_until_dropped [DeclaredIndexes],
        declaring_twice_does_nothing [DeclaredIndexes, Filters],
        conflicts_are_refused [DeclaredIndexes],
        too_many_are_refused [DeclaredIndexes],
        answers_are_the_same_with_and_without [DeclaredIndexes, Filters],
        follows_every_write [DeclaredIndexes, Filters],
        paths_of_every_kind [DeclaredIndexes, Filters],
        values_past_what_an_index_holds [DeclaredIndexes, Filters],
        of_generated_documents [DeclaredIndexes],
    }

    /// Counts of what a namespace holds.
    stats {
        of_an_empty_namespace,
        count_what_there_is,
        groups_stand_in_order,
        groups_are_limited,
        bytes_are_those_of_utf_8,
    }

    /// What concerns several namespaces, or the database.
    admin {
        lists_namespaces_by_their_bytes,
        lists_namespaces_page_by_page,
        renames_a_namespace,
        renames_nothing_that_holds_nothing,
        renames_onto_nothing_that_holds_something,
        renames_nothing_onto_itself,
        deletes_a_namespace,
        describes_the_database,
        analyzes,
        pings,
        limits_have_bounds,
    }

    /// The recording of changes.
    changes {
        are_not_recorded_unless_asked_for [ChangeCapture],
        are_recorded_in_order [ChangeCapture],
        of_one_transaction_share_it [ChangeCapture],
        end_with_the_last_of_an_id [ChangeCapture],
        of_what_was_left_alone_are_none [ChangeCapture],
        of_an_expired_row_that_a_delete_removes [ChangeCapture],
        of_a_failed_batch_are_none [ChangeCapture],
        of_delete_matching [ChangeCapture],
        of_a_sweep [ChangeCapture],
        of_a_rename [ChangeCapture],
        of_a_deleted_namespace [ChangeCapture],
        are_read_page_by_page [ChangeCapture],
        stop_when_switched_off [ChangeCapture],
        are_switched_for_every_handle [ChangeCapture],
    }

    /// The schema.
    schema {
        operations_before_migrating_say_what_to_do,
        migrating_creates_and_reports,
        migrating_twice_changes_nothing,
        migrations_are_listed_in_order,
        describing_works_without_a_schema,
        the_schema_is_described_and_valid,
        initialising_applies_nothing,
        going_down_and_up_again_is_recorded,
        stamping_runs_nothing,
        many_migrate_at_once,
    }

    /// Deadlines and cancellation.
    interruption {
        a_deadline_that_passed_ends_every_operation,
        a_cancelled_token_ends_every_operation,
        a_deadline_ends_a_long_scan [Interruption, Containment],
        the_statement_timeout_ends_a_long_scan [Interruption, Containment, Options],
        a_cancellation_ends_a_long_scan [Interruption, Containment],
        a_long_scan_does_not_end_by_itself [Interruption, Containment],
        a_connection_works_after_an_interruption [Interruption, Containment, Options],
        an_interrupted_write_leaves_nothing [Interruption, Containment],
    }

    /// Several threads and several handles.
    concurrency {
        writers_all_land,
        writers_of_one_memory_count_up,
        only_one_of_many_wins_a_compare_and_set,
        only_one_of_many_creates,
        batches_over_the_same_ids_do_not_deadlock,
        readers_see_whole_batches,
        stats_are_of_one_moment,
        a_rename_beside_writers_loses_nothing,
        a_pool_of_one_is_enough [Options],
        another_handle_sees_what_was_written,
        two_handles_write_the_same_memories,
        a_sweep_beside_writers,
    }

    /// What is not claimed is refused: never ignored, never widened.
    unclaimed {
        containment unless Containment,
        filters unless Filters,
        related_threads unless RelatedThreads,
        declared_indexes unless DeclaredIndexes,
        bulk_load unless BulkLoad,
        change_capture unless ChangeCapture,
    }

    /// Looking after a database: copies of it, what can be tried and told of it.
    keeping {
        a_backup_brings_everything_back,
        what_is_no_backup_is_refused,
        a_scratch_database_is_apart,
        a_scratch_copy_holds_the_same,
        what_the_schema_promises_holds,
        health_is_told,
        nobody_holds_the_lock,
    }
}

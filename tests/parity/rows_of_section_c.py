"""What AWS documents of Batch's runtime, row by row, and the tests that hold each: test_every_row.py reads this.

A row is one line of a table, or one clause of a sentence, of the project's facts (section C), word for word. Sources
are abbreviated there (UG: User Guide, BC: botocore's model, FS: seen in public, S0: seed 000); each test has the whole
address and the day it was read.
"""

from __future__ import annotations

JOBS, COMPUTE, CONDITIONS = "test_engine_jobs.py", "test_engine_compute.py", "test_engine_conditions.py"
LIFECYCLE, PLACEMENT, GANGS = "test_engine_lifecycle.py", "test_engine_placement.py", "test_engine_gangs.py"
SERVICE, SERVICE_SCHEDULING = "test_service_jobs.py", "test_service_scheduling.py"
API, EVENTS = "test_api_jobs.py", "test_events.py"

ROWS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "|→SUBMITTED|SubmitJob accepted; createdAt (array child: when spawned, PENDING)|",
        (
            (JOBS, "test_a_job_goes_through_every_state_in_order"),
            (LIFECYCLE, "test_a_child_is_created_when_its_parent_spawns_it"),
        ),
    ),
    (
        "|SUBMITTED→PENDING / RUNNABLE|outstanding dependencies / none|",
        (
            (JOBS, "test_a_job_with_dependencies_is_pending_until_they_have_succeeded"),
            (JOBS, "test_a_job_goes_through_every_state_in_order"),
        ),
    ),
    (
        "|PENDING→RUNNABLE|all dependencies SUCCEEDED|",
        ((JOBS, "test_a_job_with_dependencies_is_pending_until_they_have_succeeded"),),
    ),
    (
        "|PENDING→FAILED|any dependency FAILED; FS `Dependent Job failed`; cascades|",
        ((JOBS, "test_a_failed_dependency_fails_its_dependents_in_a_cascade"),),
    ),
    (
        "|RUNNABLE→STARTING|placed on a host, all consumables available (locked here); taskArn set|",
        (
            (LIFECYCLE, "test_consumables_are_locked_and_the_task_is_known_from_starting"),
            (JOBS, "test_consumables_are_locked_from_starting_to_the_end"),
        ),
    ),
    (
        "|STARTING→RUNNING|image pulled, init/dependsOn containers resolved; startedAt, logStreamName set. "
        "STARTING is outside the timeout|",
        (
            (JOBS, "test_starting_lasts_while_the_image_is_pulled_and_is_outside_the_timeout"),
            (LIFECYCLE, "test_starting_lasts_until_init_containers_are_complete"),
            (LIFECYCLE, "test_starting_lasts_until_container_dependencies_are_resolved"),
            (LIFECYCLE, "test_a_dependency_that_fails_ends_the_attempt_before_it_runs"),
        ),
    ),
    (
        "|RUNNING→SUCCEEDED/FAILED|exit 0 / non-zero, no retry left; stoppedAt; consumables unlocked "
        "(NON_REPLENISHABLE: consumed)|",
        (
            (LIFECYCLE, "test_the_exit_code_decides"),
            (JOBS, "test_consumables_are_locked_from_starting_to_the_end"),
        ),
    ),
    (
        "|attempt fails→RUNNABLE|attempts left and rules say RETRY; job goes to the **front of the queue** "
        "(UG:bestpractice6)|",
        (
            (JOBS, "test_a_failed_attempt_goes_to_the_front_of_the_queue"),
            (LIFECYCLE, "test_a_retry_of_a_child_goes_before_what_waits"),
        ),
    ),
    (
        "SUCCEEDED/FAILED kept ≥7 days.",
        (
            (JOBS, "test_finished_jobs_are_kept_seven_days"),
            (LIFECYCLE, "test_failed_jobs_are_kept_seven_days_as_well"),
        ),
    ),
    (
        "A cancelled PENDING job ends only after its dependencies complete;",
        ((JOBS, "test_a_cancelled_pending_job_ends_only_after_its_dependencies"),),
    ),
    (
        "isCancelled/isTerminated only present when true.",
        ((API, "test_is_cancelled_and_is_terminated_show_only_when_true"),),
    ),
    (
        "**Arrays**: parent ∈ {SUBMITTED, PENDING, SUCCEEDED, FAILED};",
        (
            (JOBS, "test_an_array_parent_is_pending_until_all_children_have_ended"),
            (JOBS, "test_an_array_fails_after_all_children_when_one_failed"),
        ),
    ),
    (
        "PENDING once any child is RUNNABLE, until all children terminal;",
        ((JOBS, "test_an_array_parent_is_pending_until_all_children_have_ended"),),
    ),
    (
        "FAILED (after all complete) if any child failed, FS `Array Child Job failed`;",
        ((JOBS, "test_an_array_fails_after_all_children_when_one_failed"),),
    ),
    (
        "statusSummary = count per the 7 states + statusSummaryLastUpdatedAt.",
        (
            (JOBS, "test_an_array_parent_is_pending_until_all_children_have_ended"),
            (API, "test_the_status_summary_has_all_seven_states_and_its_time"),
        ),
    ),
    (
        "Children `parentId:index`;",
        (
            (API, "test_an_arrays_parent_has_no_attempts_and_counts_its_children"),
            (JOBS, "test_an_array_parent_is_pending_until_all_children_have_ended"),
        ),
    ),
    (
        "cancelling/terminating the parent reaches all;",
        (
            (CONDITIONS, "test_cancelling_the_parent_reaches_the_children_that_have_no_host"),
            (JOBS, "test_terminating_the_parent_reaches_every_child"),
        ),
    ),
    (
        "children retry and time out individually.",
        ((CONDITIONS, "test_children_retry_and_time_out_one_by_one_and_the_parent_never"),),
    ),
    (
        "SEQUENTIAL: child i waits for i−1 SUCCEEDED.",
        ((JOBS, "test_sequential_children_run_one_after_the_other"),),
    ),
    (
        "N_TO_N: child i waits for child i of each dependency.",
        (
            (JOBS, "test_n_to_n_children_wait_for_their_partner_alone"),
            (JOBS, "test_n_to_n_needs_arrays_of_one_size"),
        ),
    ),
    (
        "**evaluateOnExit**: entries in order;",
        ((CONDITIONS, "test_evaluate_on_exit"),),
    ),
    (
        "an entry matches when *all* its given conditions match;",
        ((CONDITIONS, "test_evaluate_on_exit"),),
    ),
    (
        "first match decides;",
        ((CONDITIONS, "test_evaluate_on_exit"),),
    ),
    (
        "none ⇒ RETRY (≤ attempts).",
        (
            (CONDITIONS, "test_evaluate_on_exit"),
            (JOBS, "test_without_rules_every_failure_is_retried_up_to_the_attempts"),
        ),
    ),
    (
        "Exact match or prefix with trailing `*`;",
        ((CONDITIONS, "test_evaluate_on_exit"),),
    ),
    (
        "case-sensitive by inference.",
        ((CONDITIONS, "test_evaluate_on_exit"),),
    ),
    (
        "onStatusReason ↔ attempt statusReason, onReason ↔ container.reason, onExitCode ↔ decimal exit code.",
        ((CONDITIONS, "test_evaluate_on_exit"),),
    ),
    (
        "Idioms: `Host EC2*` RETRY + onReason `*` EXIT (UG).",
        ((JOBS, "test_spot_idiom_retries_host_loss_and_exits_on_anything_else"),),
    ),
    (
        "Attempt number 1-based.",
        ((CONDITIONS, "test_attempts_are_numbered_from_one"),),
    ),
    (
        "Not retried: timeouts, cancelled, terminated, invalid definition.",
        (
            (JOBS, "test_a_timeout_is_not_retried"),
            (CONDITIONS, "test_cancelled_and_terminated_jobs_are_not_retried"),
            (LIFECYCLE, "test_a_job_of_an_invalid_definition_fails_and_is_not_retried"),
            (API, "test_more_than_fifty_tags_to_propagate_fail_the_job"),
        ),
    ),
    (
        "Real texts contain `(`, `)` which patterns cannot: prefix needed.",
        ((API, "test_a_pattern_cannot_have_parentheses_and_a_prefix_does_without"),),
    ),
    (
        "**Timeout**: startedAt+attemptDurationSeconds per attempt;",
        (
            (JOBS, "test_a_timeout_is_not_retried"),
            (CONDITIONS, "test_a_new_attempt_has_its_whole_time"),
        ),
    ),
    (
        "SIGTERM, 30 s, SIGKILL;",
        (
            (JOBS, "test_a_timeout_is_not_retried"),
            (JOBS, "test_terminate_stops_a_running_job_after_the_grace_and_is_not_retried"),
        ),
    ),
    (
        "best effort, FIFO batches;",
        (
            (LIFECYCLE, "test_timeouts_can_come_in_batches_first_in_first_out"),
            (LIFECYCLE, "test_an_attempt_that_ends_before_its_turn_has_not_timed_out"),
        ),
    ),
    (
        "MNP: whole job;",
        ((CONDITIONS, "test_the_timeout_of_a_gang_is_the_whole_jobs"),),
    ),
    (
        "array: per child, parent none;",
        ((CONDITIONS, "test_children_retry_and_time_out_one_by_one_and_the_parent_never"),),
    ),
    (
        "Fargate 14-day ceiling.",
        ((LIFECYCLE, "test_fargate_jobs_run_for_fourteen_days_at_most"),),
    ),
    (
        "|container exits|`Essential container in task exited`|code|FS|",
        ((LIFECYCLE, "test_the_exit_code_decides"),),
    ),
    (
        "|OOM|same|`OutOfMemoryError: Container killed due to memory usage` / 137|FS, ECS|",
        ((JOBS, "test_out_of_memory"),),
    ),
    (
        "|host/Spot loss|`Host EC2 (instance i-…) terminated.`|often none or 143|FS, UG prefix|",
        (
            (JOBS, "test_spot_idiom_retries_host_loss_and_exits_on_anything_else"),
            (COMPUTE, "test_spot_interruptions_come_at_the_seeded_rate_and_with_the_hosts_text"),
        ),
    ),
    (
        "|Fargate Spot|`Your Spot Task was interrupted.`|137|FS|",
        (
            (COMPUTE, "test_fargate_spot_takes_tasks_back_at_the_seeded_rate"),
            (COMPUTE, "test_plain_fargate_is_never_interrupted"),
        ),
    ),
    (
        "|start failure|`Task failed to start`|`CannotPullContainerError: …`, `DockerTimeoutError…`|UG:job_retries|",
        (
            (LIFECYCLE, "test_a_start_failure_is_task_failed_to_start_with_the_containers_reason"),
            (JOBS, "test_a_start_failure_has_no_exit_code_and_no_start"),
        ),
    ),
    (
        "|timeout|`Job attempt duration exceeded timeout`|137|FS (several)|",
        ((JOBS, "test_a_timeout_is_not_retried"),),
    ),
    (
        "|cancel/terminate|caller's reason| |BC|",
        (
            (JOBS, "test_cancel_before_a_host_fails_the_job_with_the_callers_reason"),
            (JOBS, "test_terminate_stops_a_running_job_after_the_grace_and_is_not_retried"),
        ),
    ),
    (
        "|time-limit action|`Canceled by JobStateTimeLimit action due to reason: <reason>` (service: "
        "`Terminated by …`)| |UG|",
        (
            (COMPUTE, "test_a_time_limit_action_names_the_reason_alone"),
            (COMPUTE, "test_a_time_limit_action_cancels_the_blocked_head"),
            (SERVICE_SCHEDULING, "test_more_than_the_service_environment_has_blocks_the_queue"),
        ),
    ),
    (
        "**Blocked head-of-queue statusReason** (job stays RUNNABLE;",
        ((COMPUTE, "test_a_blocked_head_says_why"),),
    ),
    (
        "UG:job_stuck_in_runnable_*): `CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the "
        "capacity requested for instance type [instanceTypeName]`;",
        ((COMPUTE, "test_a_pool_that_runs_out_blocks_and_recovers"),),
    ),
    (
        "`MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot "
        "meet the CPU requirement of the job.`;",
        ((COMPUTE, "test_a_blocked_head_says_why"),),
    ),
    (
        "`MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is "
        "higher than that can be met by the CE(s) attached to the job queue.`;",
        ((COMPUTE, "test_a_blocked_head_says_why"),),
    ),
    (
        "`MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED - Your compute environment associated with "
        "this job queue has an unsupported instance type configuration.`;",
        ((COMPUTE, "test_a_blocked_head_says_why"),),
    ),
    (
        "`MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS – Batch service role has a permission issue.`;",
        (
            (COMPUTE, "test_a_role_without_permissions_blocks_the_queue_and_has_no_time_limit_action"),
            (COMPUTE, "test_one_environment_with_a_working_role_is_enough"),
        ),
    ),
    (
        "`ACTION_REQUIRED - CE(s) associated with the job queue are invalid.`;",
        ((COMPUTE, "test_invalid_environments_are_an_action_required"),),
    ),
    (
        "`UNDETERMINED - Batch job is blocked, root cause is undetermined.` Last three: no time-limit action.",
        (
            (COMPUTE, "test_a_cause_that_is_not_known_is_undetermined"),
            (LIFECYCLE, "test_reasons_that_need_a_human_have_no_time_limit_action"),
            (COMPUTE, "test_a_role_without_permissions_blocks_the_queue_and_has_no_time_limit_action"),
            (API, "test_a_time_limit_action_takes_four_reasons"),
        ),
    ),
    (
        "Service: `…SERVICE_ENVIRONMENT_MAX_RESOURCE`, `…QUOTA_MANAGEMENT_LIMIT_EXCEEDED`.",
        (
            (SERVICE_SCHEDULING, "test_more_than_the_service_environment_has_blocks_the_queue"),
            (SERVICE_SCHEDULING, "test_more_than_a_quota_share_can_have_blocks_it"),
        ),
    ),
    (
        "**Environment**: AWS_BATCH_CE_NAME, _JQ_NAME, _JOB_ID, _JOB_ATTEMPT;",
        ((CONDITIONS, "test_environment_variables_of_a_plain_job"),),
    ),
    (
        "children _JOB_ARRAY_INDEX, _JOB_ARRAY_SIZE;",
        ((JOBS, "test_environment_variables_and_log_stream"),),
    ),
    (
        "MNP _JOB_NODE_INDEX, _JOB_MAIN_NODE_INDEX, _JOB_NUM_NODES, and _JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS "
        "(children only);",
        (
            (CONDITIONS, "test_environment_variables_of_the_nodes_of_a_gang"),
            (GANGS, "test_the_address_that_nodes_are_told_is_the_main_nodes"),
        ),
    ),
    (
        "EKS _JOB_KUBERNETES_NODE_UID (UG:job_env_vars).",
        ((CONDITIONS, "test_jobs_on_eks_know_their_node"),),
    ),
    (
        "**Logs**: `/aws/batch/job`, `first200CharsOfJobDefinitionName/default/ecs_task_id`;",
        (
            (API, "test_the_log_stream_is_named_after_the_definition_and_the_task"),
            (CONDITIONS, "test_the_log_stream_takes_two_hundred_characters_of_the_definitions_name"),
        ),
    ),
    (
        "awslogs-stream-prefix ⇒ `prefix/default/task-id`.",
        (
            (API, "test_a_custom_stream_prefix_names_the_log_stream"),
            (LIFECYCLE, "test_a_stream_prefix_of_the_container_wins"),
        ),
    ),
    (
        "**ECS cluster**: today `AWSBatch-<ceName>-<uuid>` (FS, many), older `<ceName>_Batch_<uuid>` (BC example).",
        (
            (COMPUTE, "test_the_name_of_the_ecs_cluster"),
            (LIFECYCLE, "test_the_clusters_name_of_today_and_the_older_one"),
        ),
    ),
    (
        "**Events**: source `aws.batch`;",
        ((EVENTS, "test_every_change_of_state_is_an_event_and_the_submission_is_none"),),
    ),
    (
        "detail-types `Batch Job State Change` (every change, not initial submission;",
        (
            (EVENTS, "test_every_change_of_state_is_an_event_and_the_submission_is_none"),
            (CONDITIONS, "test_every_change_but_the_submission_is_told"),
        ),
    ),
    (
        "resources=[jobArn]), `Batch Job Queue Blocked` (resources=[jobArn, queueArn], status RUNNABLE + "
        "statusReason), `Batch Service Job Queue Blocked`, plus service-job preemption and planned-lifecycle "
        "pages.",
        (
            (EVENTS, "test_every_change_of_state_is_an_event_and_the_submission_is_none"),
            (EVENTS, "test_a_blocked_queue_is_an_event_of_job_and_queue"),
            (SERVICE_SCHEDULING, "test_more_than_the_service_environment_has_blocks_the_queue"),
            (SERVICE_SCHEDULING, "test_cross_share_preemption_restores_lent_capacity"),
            (EVENTS, "test_planned_lifecycle_events_are_not_batchs"),
        ),
    ),
    (
        "`detail` ≈ JobDetail (UG:batch_job_events, batch-job-queue-blocked-events).",
        (
            (EVENTS, "test_the_detail_resembles_job_detail"),
            (EVENTS, "test_a_retried_attempt_is_in_the_event_that_follows_it"),
            (EVENTS, "test_a_blocked_queue_is_an_event_of_job_and_queue"),
        ),
    ),
    (
        "**Queue scheduling**: queues sharing a CE evaluated in cycles, priority descending;",
        ((COMPUTE, "test_a_higher_priority_queue_goes_first_and_yields_what_it_cannot_use"),),
    ),
    (
        "a queue without placeable work yields to the next (BC:JobQueueDetail), so priority is not strict order.",
        ((COMPUTE, "test_a_higher_priority_queue_goes_first_and_yields_what_it_cannot_use"),),
    ),
    (
        "Within a queue FIFO by submission;",
        ((CONDITIONS, "test_a_queue_is_first_in_first_out"),),
    ),
    (
        'a blocked head blocks those behind (AWS HPC blog "new alerts…blocked job queues").',
        (
            (CONDITIONS, "test_a_queue_is_first_in_first_out"),
            (COMPUTE, "test_a_blocked_head_says_why"),
        ),
    ),
    (
        "CE order ascending: first VALID CE with resources or able to provide suitable compute;",
        ((COMPUTE, "test_environments_are_used_in_their_order"),),
    ),
    (
        "INVALID/unsuitable ⇒ next (UG:compute_environments).",
        ((PLACEMENT, "test_an_environment_that_cannot_take_a_job_is_passed_over"),),
    ),
    (
        "MNP: capacity errors on the high-priority EC2 CE block even if lower CEs could run it.",
        ((CONDITIONS, "test_a_gang_blocked_by_capacity_does_not_fall_back_to_the_next_environment"),),
    ),
    (
        "**Fair share**: usage_share = Σ vCPU·s of STARTING/RUNNING jobs plus jobs completed within the "
        'decay window (HPC blog "Diving Deeper into Fair-Share";',
        ((PLACEMENT, "test_usage_counts_jobs_that_ended_within_the_window_and_no_longer"),),
    ),
    (
        "`(T × weightFactor)`, UG:share-identifiers);",
        (
            (COMPUTE, "test_fair_share_gives_a_lower_weight_more"),
            (PLACEMENT, "test_what_the_weight_of_a_prefix_means_is_a_setting"),
        ),
    ),
    (
        "dispatch from the lowest;",
        (
            (PLACEMENT, "test_usage_counts_jobs_that_ended_within_the_window_and_no_longer"),
            (PLACEMENT, "test_ties_between_shares_are_a_setting"),
        ),
    ),
    (
        "within a share schedulingPriority desc, then FIFO.",
        ((COMPUTE, "test_within_a_share_priority_goes_before_age"),),
    ),
    (
        'Window = shareDecaySeconds (0⇒600) + "OrderMinutes" (UG, undefined).',
        ((PLACEMENT, "test_the_window_is_share_decay_seconds_and_order_minutes"),),
    ),
    (
        "Recency weighting inside the window undocumented.",
        ((PLACEMENT, "test_how_usage_decays_within_the_window_is_a_setting"),),
    ),
    (
        "Share active while it has any non-terminal job and until the window expires.",
        (
            (COMPUTE, "test_a_share_stays_active_until_its_window_is_over"),
            (PLACEMENT, "test_the_window_is_share_decay_seconds_and_order_minutes"),
        ),
    ),
    (
        "Reserved vCPU = maxvCpus·(computeReservation/100)^ActiveShares: 50⇒50/25/12.5 %, 25⇒25/6.25/1.56 %.",
        (
            (COMPUTE, "test_reserved_vcpus_by_active_shares"),
            (COMPUTE, "test_compute_reservation_keeps_vcpus_for_other_shares"),
        ),
    ),
    (
        "weight 0.125 ⇒ 8× resources.",
        ((COMPUTE, "test_fair_share_gives_a_lower_weight_more"),),
    ),
    (
        "UG23: prefix `UserA*` weight 1 with n members ⇒ weight n each (absent from BC).",
        (
            (PLACEMENT, "test_what_the_weight_of_a_prefix_means_is_a_setting"),
            (COMPUTE, "test_a_share_prefix_gives_its_weight_to_every_member"),
        ),
    ),
    (
        "GetJobQueueSnapshot: first 100 RUNNABLE in dispatch order;",
        ((COMPUTE, "test_the_queue_snapshot_shows_the_first_hundred_in_dispatch_order_and_twenty_shares"),),
    ),
    (
        "top 20 shares.",
        ((COMPUTE, "test_the_queue_snapshot_shows_the_first_hundred_in_dispatch_order_and_twenty_shares"),),
    ),
    (
        "**Scaling & allocation**: Batch examines RUNNABLE jobs (vCPU, GPU, memory), builds an instance "
        "list, EC2 provisions by strategy;",
        ((PLACEMENT, "test_the_instances_follow_what_runnable_jobs_ask_for"),),
    ),
    (
        "instances join ECS;",
        (
            (PLACEMENT, "test_the_instances_follow_what_runnable_jobs_ask_for"),
            (COMPUTE, "test_the_name_of_the_ecs_cluster"),
        ),
    ),
    (
        "Batch calls RunTask continuously;",
        ((PLACEMENT, "test_the_instances_follow_what_runnable_jobs_ask_for"),),
    ),
    (
        'when none RUNNABLE and instances idle ⇒ deregister, terminate (batch.hpcworkshops.com "job lifecycle").',
        (
            (PLACEMENT, "test_the_instances_follow_what_runnable_jobs_ask_for"),
            (COMPUTE, "test_an_idle_environment_goes_back_to_min_vcpus"),
        ),
    ),
    (
        "Backing (S0): BEST_FIT+Spot = Spot Fleet (mixed types);",
        (
            (COMPUTE, "test_what_backs_an_environment"),
            (PLACEMENT, "test_a_spot_fleet_has_mixed_types"),
        ),
    ),
    (
        "BEST_FIT+On-Demand = one ASG **per instance type**;",
        ((COMPUTE, "test_what_backs_an_environment"),),
    ),
    (
        "BFP/SCO = one ASG per CE.",
        ((COMPUTE, "test_what_backs_an_environment"),),
    ),
    (
        "BEST_FIT waits for its type;",
        ((COMPUTE, "test_best_fit_waits_for_its_type_and_progressive_takes_others"),),
    ),
    (
        "BFP prefers cheapest vCPU, adds types when short (MNP: one type, no fallback);",
        (
            (PLACEMENT, "test_progressive_prefers_the_cheapest_vcpu_and_adds_types_when_short"),
            (COMPUTE, "test_best_fit_waits_for_its_type_and_progressive_takes_others"),
            (CONDITIONS, "test_a_gang_blocked_by_capacity_does_not_fall_back_to_the_next_environment"),
        ),
    ),
    (
        "BFP_ORDERED = list order, family expanded by BFP, explicit type excluded from its family;",
        (
            (PLACEMENT, "test_ordered_expands_a_family_by_price_and_leaves_explicit_types_out_of_it"),
            (COMPUTE, "test_progressive_ordered_keeps_the_users_order"),
        ),
    ),
    (
        "SCO = deepest pools;",
        ((COMPUTE, "test_spot_capacity_optimized_takes_the_deepest_pool"),),
    ),
    (
        "SPCO = price+depth;",
        ((COMPUTE, "test_spot_price_capacity_optimized_weighs_price_and_depth"),),
    ),
    (
        "SCO_PRIORITIZED = order best-effort.",
        ((COMPUTE, "test_spot_capacity_optimized_prioritized_keeps_the_order_at_equal_depth"),),
    ),
    (
        "minvCpus kept even DISABLED;",
        ((COMPUTE, "test_min_vcpus_are_kept_even_while_disabled"),),
    ),
    (
        "DISABLED: no placement or scale-out, running jobs continue, idle scale-in to min.",
        ((PLACEMENT, "test_a_disabled_environment_finishes_what_runs_and_goes_to_min_vcpus"),),
    ),
    (
        "Instances never resize.",
        ((PLACEMENT, "test_instances_never_change_size"),),
    ),
    (
        "Delay per instance counts from its last job;",
        ((COMPUTE, "test_idle_instances_go_after_the_delay_of_the_scaling_policy"),),
    ),
    (
        "not for never-used, Spot-reclaimed or updated instances.",
        (
            (PLACEMENT, "test_the_idle_delay_of_the_scaling_policy_is_for_instances_that_had_a_job"),
            (PLACEMENT, "test_the_idle_delay_keeps_no_instance_that_is_reclaimed_or_updated"),
        ),
    ),
    (
        "Default idle delay undocumented.",
        ((PLACEMENT, "test_the_idle_delay_of_the_scaling_policy_is_for_instances_that_had_a_job"),),
    ),
    (
        "**Memory**: agent registers OS-visible memory, not nominal: m4.large 8192→7985 MiB (8,373,026,816 B);",
        (
            (COMPUTE, "test_an_m4_large_registers_7985_of_its_8192_mib"),
            (PLACEMENT, "test_what_is_registered_and_what_is_reserved_are_settings"),
        ),
    ),
    (
        "default AMI reserves 32 MiB;",
        ((PLACEMENT, "test_what_is_registered_and_what_is_reserved_are_settings"),),
    ),
    (
        "AWS advises 5 % buffer (UG:memory-management, ecs-reserved-memory).",
        ((PLACEMENT, "test_what_is_registered_and_what_is_reserved_are_settings"),),
    ),
    (
        "A job of exactly nominal size never fits.",
        ((COMPUTE, "test_a_job_of_exactly_nominal_memory_never_fits"),),
    ),
    (
        "**MNP**: `jobId#N`;",
        (
            (GANGS, "test_the_jobs_own_times_and_exit_are_the_main_nodes"),
            (JOBS, "test_a_gang_starts_main_first_on_one_instance_a_node"),
        ),
    ),
    (
        "one container per instance;",
        (
            (JOBS, "test_a_gang_starts_main_first_on_one_instance_a_node"),
            (GANGS, "test_a_gang_of_a_thousand_nodes_has_an_instance_each"),
        ),
    ),
    (
        "main node first;",
        (
            (JOBS, "test_a_gang_starts_main_first_on_one_instance_a_node"),
            (GANGS, "test_a_main_node_other_than_the_first_starts_first"),
        ),
    ),
    (
        "children STARTING when main RUNNING, random order;",
        ((GANGS, "test_the_other_nodes_start_in_random_order_after_the_main_one"),),
    ),
    (
        "main exit ends the job, children stopped;",
        (
            (JOBS, "test_the_main_nodes_end_ends_the_job_and_a_childs_does_not"),
            (CONDITIONS, "test_terminating_a_gang_stops_every_node"),
        ),
    ),
    (
        "child death ignored;",
        (
            (JOBS, "test_the_main_nodes_end_ends_the_job_and_a_childs_does_not"),
            (CONDITIONS, "test_a_node_whose_instance_went_before_it_started_stays_failed"),
        ),
    ),
    (
        "only main failure retries;",
        (
            (JOBS, "test_only_a_failure_of_the_main_node_is_retried_with_the_whole_gang"),
            (GANGS, "test_each_attempt_of_the_job_is_one_of_every_node"),
            (GANGS, "test_a_gang_whose_main_node_cannot_start_is_retried_whole"),
        ),
    ),
    (
        "awsvpc;",
        ((API, "test_the_nodes_of_a_gang_have_a_network_interface_each"),),
    ),
    (
        "≤5 groups, ≤1000 nodes;",
        (
            (API, "test_a_gang_has_five_groups_and_a_thousand_nodes_at_most"),
            (GANGS, "test_a_gang_of_a_thousand_nodes_has_an_instance_each"),
        ),
    ),
    (
        "not UNMANAGED, SPOT, Managed Instances (S1 + BC);",
        (
            (JOBS, "test_a_gang_runs_on_no_spot_and_no_unmanaged_environment"),
            (GANGS, "test_a_gang_runs_on_demand_alone"),
        ),
    ),
    (
        "whole gang must fit maxvCpus.",
        ((CONDITIONS, "test_a_whole_gang_must_fit_max_vcpus"),),
    ),
    (
        "**Service jobs**: adds SCHEDULED between RUNNABLE and STARTING (SageMaker Pending;",
        (
            (SERVICE, "test_a_service_job_has_a_state_more_than_others"),
            (SERVICE_SCHEDULING, "test_the_states_are_sagemakers_pending_downloading_and_training"),
        ),
    ),
    (
        "Downloading=STARTING;",
        ((SERVICE_SCHEDULING, "test_the_states_are_sagemakers_pending_downloading_and_training"),),
    ),
    (
        "Training/Uploading=RUNNING).",
        ((SERVICE_SCHEDULING, "test_the_states_are_sagemakers_pending_downloading_and_training"),),
    ),
    (
        "Capacity failures re-queue SCHEDULED→RUNNABLE without consuming attempts.",
        (
            (SERVICE_SCHEDULING, "test_a_capacity_failure_goes_back_to_runnable_and_uses_no_attempt"),
            (SERVICE_SCHEDULING, "test_time_spent_scheduled_counts_for_the_capacity_time_limit"),
        ),
    ),
    (
        "Pattern `*CapacityError*` (leading `*`) is documented here only.",
        ((SERVICE_SCHEDULING, "test_a_pattern_of_a_service_job_may_begin_with_a_star"),),
    ),
    (
        "Preempted jobs re-queue without limit unless preemptionRetriesBeforeTermination (0 ⇒ FAILED first time);",
        (
            (SERVICE_SCHEDULING, "test_a_preempted_job_is_queued_again_without_limit_unless_it_has_one"),
            (SERVICE_SCHEDULING, "test_in_share_preemption_is_for_higher_priorities_where_it_is_enabled"),
        ),
    ),
    (
        "cross-share preemption restores lent capacity.",
        (
            (SERVICE_SCHEDULING, "test_cross_share_preemption_restores_lent_capacity"),
            (SERVICE_SCHEDULING, "test_lent_capacity_is_borrowed_and_reserved_capacity_is_not"),
        ),
    ),
)
"""(the row, (file, test) of each test that holds it)."""

CHOICES = "test_choices.py"

OPEN_CHOICES: tuple[tuple[str, tuple[str, ...], tuple[int, ...], tuple[tuple[str, str], ...]], ...] = (
    (
        "Scheduler tick",
        ("EngineSettings.scheduler_tick_ms", "EngineSettings.scaling_interval_ms", "EngineSettings.admission_ms"),
        (102,),
        ((CHOICES, "test_the_schedulers_tick_is_a_setting"),),
    ),
    (
        "idle scale-in delay",
        ("EngineSettings.idle_scale_in_ms",),
        (104,),
        ((PLACEMENT, "test_the_idle_delay_of_the_scaling_policy_is_for_instances_that_had_a_job"),),
    ),
    (
        "fair-share decay curve and ties",
        ("EngineSettings.fair_share_decay", "EngineSettings.fair_share_ties", "EngineSettings.order_minutes"),
        (108,),
        (
            (PLACEMENT, "test_how_usage_decays_within_the_window_is_a_setting"),
            (PLACEMENT, "test_ties_between_shares_are_a_setting"),
            (PLACEMENT, "test_the_window_is_share_decay_seconds_and_order_minutes"),
        ),
    ),
    (
        "launch and image-pull latency",
        (
            "EngineSettings.launch_ms",
            "EngineSettings.image_pull_ms",
            "EngineSettings.container_start_ms",
            "EngineSettings.fargate_start_ms",
        ),
        (103,),
        ((CHOICES, "test_how_long_launches_and_pulls_take_are_settings"),),
    ),
    (
        "per-type registered memory",
        ("EngineSettings.registered_memory_mib", "EngineSettings.reserved_memory_mib"),
        (101, 119),
        ((PLACEMENT, "test_what_is_registered_and_what_is_reserved_are_settings"),),
    ),
    (
        "AMI precedence (AM03)",
        ("StageSettings.image_precedence",),
        (118,),
        ((CHOICES, "test_which_image_wins_is_a_setting"),),
    ),
    (
        "whether STARTING failures use an attempt (BC counts moves to RUNNABLE, UG counts RUNNING: count both)",
        ("EngineSettings.start_failure_uses_attempt",),
        (110,),
        (
            (LIFECYCLE, "test_whether_a_start_failure_uses_an_attempt_is_a_setting"),
            (LIFECYCLE, "test_an_attempt_after_a_start_failure_shows_while_it_runs"),
        ),
    ),
    (
        "exact messages for SJ03–SJ06 and for deleting an ENABLED CE/queue (no public text found).",
        ("EngineSettings.messages",),
        (116,),
        ((CHOICES, "test_texts_of_refusals_that_nobody_documents_are_settings"),),
    ),
)
"""(what section F of the facts leaves open, the settings, their decision records, (file, test) of each test)."""

CONFLICTS: tuple[tuple[str, str, int], ...] = (
    ("a container that is stopped", "EngineSettings.stops_on_sigterm", 105),
    ("how often Spot is interrupted", "EngineSettings.spot_interruptions_per_instance_hour", 106),
    ("when a blocked head says so", "EngineSettings.blocked_after_ms", 107),
    ("when timeouts come", "EngineSettings.timeout_batch_ms", 112),
    ("how many timeouts come at once", "EngineSettings.timeouts_per_batch", 112),
    ("Fargate's ceiling", "EngineSettings.fargate_ceiling_ms", 112),
    ("how long service jobs take", "EngineSettings.service", 113),
    ("whether rules see capacity failures of service jobs", "ServiceSettings.capacity_errors_follow_rules", 113),
    ("the clusters' names", "EngineSettings.cluster_names", 114),
    ("the weight of a prefix", "EngineSettings.share_prefix_weight", 115),
)
"""(where documents conflict or are silent within section C, the setting, its decision record)."""

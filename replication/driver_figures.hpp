// Figures that drivers share, so that who reads `stats replication`, and the admin endpoint, find
// the same words whatever driver it is. Every driver tells the first three.
#pragma once

#include "lib/figure_row.hpp"

namespace twincached::replication {

inline constexpr auto driver_figure = lib::text("repl_driver", "the driver in use");
inline constexpr auto state_figure = lib::state(
    "repl_state", "STANDALONE|LISTENING|CONNECTING|HANDSHAKE|SYNCING|LINKED|REFUSED|DRAINING",
    "`LINKED`, `SYNCING`, `LISTENING`/`CONNECTING`/`HANDSHAKE` (no peer), `REFUSED`, `DRAINING`; "
    "`STANDALONE` without a peer configured");
inline constexpr auto state_age_figure =
    lib::gauge("repl_state_age", lib::Unit::seconds, "since `repl_state` is what it is");
inline constexpr auto resync_percent_figure =
    lib::gauge("repl_resync_percent",
               "of the buckets of both nodes that a resync began with, those that are compared; "
               "100: nothing is left");
inline constexpr auto resync_remaining_figure =
    lib::gauge("repl_resync_remaining", lib::Unit::seconds,
               "until a resync is over, by its pace so far; -1: not known yet, 0: nothing is left");
inline constexpr auto role_age_figure =
    lib::gauge("repl_role_age", lib::Unit::seconds, "since `repl_role` is what it is");
inline constexpr auto serving_age_figure =
    lib::gauge("repl_serving_age", lib::Unit::seconds, "since `repl_serving` is what it is");
inline constexpr auto access_age_figure =
    lib::gauge("repl_access_age", lib::Unit::seconds, "since `repl_access` is what it is");
inline constexpr auto last_contact_figure =
    lib::gauge("repl_last_contact_age", lib::Unit::seconds,
               "since the peer was last heard in a session; -1: it never was");
inline constexpr auto peer_role_figure =
    lib::state("repl_peer_role", "primary|secondary",
               "what the peer says that it is; empty without a session");
inline constexpr auto peer_serving_figure =
    lib::state("repl_peer_serving", "READY|COLD",
               "whether the peer says that it serves clients; empty without a session");
inline constexpr auto peer_dirty_figure = lib::gauge(
    "repl_peer_dirty_buckets", "buckets that the peer has still to compare, as it last said");
inline constexpr auto serving_figure = lib::state(
    "repl_serving", "READY|COLD", "`COLD` until clients may come for the first time, then `READY`");
inline constexpr auto role_figure =
    lib::state("repl_role", "primary|secondary",
               "`primary` or `secondary`: which node a balancer should prefer; it decides no data");
inline constexpr auto access_figure =
    lib::state("repl_access", "open|read-only|closed",
               "what clients may do: `open`, `read-only`, `closed` (`on-split`)");
inline constexpr auto node_figure =
    lib::text("repl_node", "which of the two this node is: `a` or `b`; empty while that is open");
inline constexpr auto peer_figure = lib::text("repl_peer", "the other, as configured");
inline constexpr auto last_refusal_figure = lib::text("repl_last_refusal", "why, the last time");
inline constexpr auto last_event_figure =
    lib::text("repl_last_event", "what the link did last, and why");
inline constexpr auto lag_figure = lib::gauge(
    "repl_lag_ms", lib::Unit::milliseconds,
    "age of the oldest frame that the peer has not confirmed; of a peer that is gone, how "
    "long it has not been heard while changes wait for it");
inline constexpr auto unacked_figure =
    lib::gauge("repl_unacked",
               "changes that the peer has not confirmed: what a crash would cost now. With "
               "`repl_dirty_buckets` there are more than the log holds");
inline constexpr auto dirty_buckets_figure = lib::gauge(
    "repl_dirty_buckets", "buckets, of 65536, that are still to be compared with the peer's");
inline constexpr auto log_bytes_figure =
    lib::gauge("repl_log_bytes", lib::Unit::bytes, "what the change log takes");
inline constexpr auto log_overflows_figure =
    lib::counter("repl_log_overflows",
                 "changes that it had no room for, so that their buckets are compared instead");
inline constexpr auto resyncs_figure =
    lib::counter("repl_resyncs", "times that all buckets had to be compared");
inline constexpr auto records_sent_figure =
    lib::counter("repl_records_sent", "changes and items sent");
inline constexpr auto records_received_figure =
    lib::counter("repl_records_received", "changes and items received");
inline constexpr auto digest_figure =
    lib::text("repl_digest",
              "of all items and their versions, in hexadecimal: the same on both nodes at rest if "
              "they hold the same");
inline constexpr auto dropped_in_doubt_figure =
    lib::counter("repl_dropped_in_doubt", "items forgotten because the peer might know better");
inline constexpr auto conflicts_figure = lib::counter(
    "repl_conflicts",
    "arriving changes that met one of this node's own which the peer had not confirmed");
inline constexpr auto older_updates_ignored_figure =
    lib::counter("repl_older_updates_ignored", "arriving changes that were outdated");
inline constexpr auto evicted_before_send_figure =
    lib::counter("repl_evicted_before_send", "items evicted before the peer had them");
inline constexpr auto apply_nomem_figure =
    lib::counter("repl_apply_nomem", "items of the peer's that found no memory here");
inline constexpr auto versions_refused_figure = lib::counter(
    "repl_versions_refused",
    "the peer's versions that were further ahead than `clock-max-ahead`, or none: each "
    "has ended a session");
inline constexpr auto access_hints_sent_figure = lib::counter(
    "repl_access_hints_sent", "hints of what clients use, so that the other node spares it, too");
inline constexpr auto access_hints_received_figure =
    lib::counter("repl_access_hints_received", "hints received");
inline constexpr auto access_hints_dropped_figure =
    lib::counter("repl_access_hints_dropped", "hints for which there was no room");
inline constexpr auto tls_figure =
    lib::state("repl_tls", "yes|no", "`yes` if the link is encrypted, or `no`");
inline constexpr auto ack_state_figure =
    lib::state("repl_ack_state", "async|sync|degraded",
               "`async`; with `ack = received`: `sync`, or `degraded` while answers do not wait");
inline constexpr auto ack_degradations_figure =
    lib::counter("repl_ack_degradations", "times that waiting for the peer was given up");
inline constexpr auto acks_degraded_figure =
    lib::counter("repl_acks_degraded", "answers that left without the peer's word");
inline constexpr auto acks_refused_figure =
    lib::counter("repl_acks_refused", "of those, the ones that were errors (`ack-required`)");

}  // namespace twincached::replication

#include "test/model/defect.hpp"

#include <array>

namespace twincached::model {

namespace {

constexpr std::array all{
    DefectText{Defect::arrival_order, "arrival-order",
               "What arrives last wins, whatever its version (repcached, KeyDB's live path)."},
    DefectText{Defect::last_common_point, "last-common-point",
               "A resync drops what is older than the last common point and missing there, and "
               "keeps the rest."},
    DefectText{Defect::merge_without_m, "merge-without-m",
               "A resync merges what both have and remembers no deletes (Infinispan, Hazelcast)."},
    DefectText{Defect::no_delete_on_miss, "no-delete-on-miss",
               "The delete of a key that is absent here is not passed on."},
    DefectText{Defect::evicted_before_send, "evicted-before-send",
               "A change whose item was evicted before it was sent is forgotten."},
    DefectText{Defect::evict_in_dirty_bucket, "evict-in-dirty-bucket",
               "An eviction in a dirty bucket is not folded into M (R5)."},
    DefectText{Defect::evict_during_walk, "evict-during-walk",
               "An eviction in a bucket whose LIST is not acknowledged is not recorded (R7)."},
    DefectText{Defect::evicted_entry_lost, "evicted-entry-lost",
               "The same where the log is full: the version is not folded into M (R7b)."},
    DefectText{Defect::tombstone_freed_when_sent, "tombstone-freed-when-sent",
               "An entry leaves the log when it is sent, not when it is acknowledged."},
    DefectText{Defect::tombstone_freed_by_timer, "tombstone-freed-by-timer",
               "A sent entry leaves the log after a while (Riak: three seconds)."},
    DefectText{Defect::ack_out_of_band, "ack-out-of-band",
               "An ACK may overtake records: another connection, or a priority."},
    DefectText{Defect::m_reset_at_list, "m-reset-at-list",
               "M is forgotten when the LIST is sent, not when it is acknowledged."},
    DefectText{Defect::m_not_checked, "m-not-checked",
               "M is not looked at when an item arrives whose key is absent."},
    DefectText{Defect::want_after_ack, "want-after-ack",
               "The wanted keys follow in a frame after the ACK."},
    DefectText{Defect::clean_only_at_ack, "clean-only-at-ack",
               "A walked bucket logs changes only from the LIST's ACK on."},
    DefectText{Defect::walk_not_restarted, "walk-not-restarted",
               "A walk whose ACK was lost with the session counts as done."},
    DefectText{Defect::peer_incarnation_ignored, "peer-incarnation-ignored",
               "A restarted peer is taken for the one before."},
    DefectText{Defect::no_observe, "no-observe", "The version clock does not follow what arrives."},
    DefectText{Defect::touch_keeps_older_item, "touch-keeps-older-item",
               "A TOUCH of a write that is lacking here leaves an older item in its place while "
               "the whole one is asked for."},
    DefectText{Defect::wanted_key_skipped, "wanted-key-skipped",
               "What the peer wrote itself is not sent to it, even if it asks."},
    DefectText{Defect::expired_item_not_listed, "expired-item-not-listed",
               "A walk leaves out items whose time is over without folding them into M."},
    DefectText{Defect::old_session_applied, "old-session-applied",
               "What is left of an older session is applied after the new one is ready."},
    DefectText{Defect::flush_not_in_hello, "flush-not-in-hello",
               "The flush register is told once, in a FLUSH, and not in each HELLO."},
    DefectText{Defect::flush_told_to_old_session, "flush-told-to-old-session",
               "A FLUSH that arrives in the older session after HELLO was said is not told to the "
               "peer of the new one."},
    DefectText{Defect::flush_before_ready_lost, "flush-before-ready-lost",
               "A flush between HELLO and READY is neither in the HELLO nor sent afterwards."},
    DefectText{Defect::flush_cleans_newer_items, "flush-cleans-newer-items",
               "The peer's flush makes a dirty bucket clean though it holds newer items."},
    DefectText{Defect::rollback_seen_by_acks_alone, "rollback-seen-by-acks-alone",
               "A rollback is noticed only if the peer has applied less than we know it had."},
    DefectText{Defect::rollback_keeps_items, "rollback-keeps-items",
               "A node that was set back makes everything dirty and keeps its items."},
    DefectText{Defect::former_incarnation_followed, "former-incarnation-followed",
               "An incarnation before the last that comes back is taken for a new one."},
    DefectText{Defect::unknown_past_ignored, "unknown-past-ignored",
               "A node ignores that the peer has heard of it in a session unknown to it."},
    DefectText{Defect::log_forgotten_at_restart, "log-forgotten-at-restart",
               "A node takes its items along over a restart, but not what it has not told."},
    DefectText{Defect::old_memory_believed, "old-memory-believed",
               "A node that comes back with items keeps them whatever the peer's HELLO says."},
    DefectText{Defect::list_asked_after_ack, "list-asked-after-ack",
               "The list of a bucket whose digest differs is asked for after the DIGEST's ACK."},
    DefectText{Defect::digest_denial_forgets_m, "digest-denial-forgets-m",
               "M is forgotten when the peer asks for a list instead of a digest."},
    DefectText{Defect::digest_floor_not_observed, "digest-floor-not-observed",
               "An equal digest is acknowledged without the version clock following its M."},
    DefectText{Defect::digest_of_keys_alone, "digest-of-keys-alone",
               "A digest is made of which keys there are, whatever their versions."},
    DefectText{Defect::schedule_outlives_flush, "schedule-outlives-flush",
               "A node that has heard of the peer's flush still carries out an older, scheduled "
               "one."},
    DefectText{Defect::schedule_given_up_while_linked, "schedule-given-up-while-linked",
               "A node that is linked gives the peer's scheduled flush up when its time is over."},
    DefectText{Defect::schedule_not_in_hello, "schedule-not-in-hello",
               "A scheduled flush is told once, and not in each HELLO."},
    DefectText{Defect::schedule_before_flush, "schedule-before-flush",
               "That a scheduled flush is over may be told before the flush itself."},
    DefectText{Defect::version_gate_left_out, "version-gate-left-out",
               "A version is followed however far it is ahead of any clock."},
    DefectText{Defect::flush_above_clock_followed, "flush-above-clock-followed",
               "A HELLO may tell of a flush that its sender's clock has not passed."},
};

}  // namespace

std::span<const DefectText> defects() noexcept {
    return all;
}

std::optional<Defect> find_defect(std::string_view name) noexcept {
    if (name == "none") return Defect::none;
    for (const DefectText& text : all)
        if (text.name == name) return text.defect;
    return std::nullopt;
}

std::string_view name_of(Defect defect) noexcept {
    for (const DefectText& text : all)
        if (text.defect == defect) return text.name;
    return "none";
}

}  // namespace twincached::model

// The ways in which the rules can be broken on purpose. A checker that cannot fail proves nothing:
// every one of these must be caught. Most are what some other product does, or what an earlier
// draft of the rules did.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace twincached::model {

enum class Defect : std::uint8_t {
    none,
    arrival_order,
    last_common_point,
    merge_without_m,
    no_delete_on_miss,
    evicted_before_send,
    evict_in_dirty_bucket,
    evict_during_walk,
    evicted_entry_lost,
    tombstone_freed_when_sent,
    tombstone_freed_by_timer,
    ack_out_of_band,
    m_reset_at_list,
    m_not_checked,
    want_after_ack,
    clean_only_at_ack,
    walk_not_restarted,
    peer_incarnation_ignored,
    no_observe,
    touch_keeps_older_item,
    wanted_key_skipped,
    expired_item_not_listed,
    old_session_applied,
    flush_not_in_hello,
    flush_told_to_old_session,
    flush_before_ready_lost,
    flush_cleans_newer_items,
    rollback_seen_by_acks_alone,
    rollback_keeps_items,
    former_incarnation_followed,
    unknown_past_ignored,
    log_forgotten_at_restart,
    old_memory_believed,
    list_asked_after_ack,
    digest_denial_forgets_m,
    digest_floor_not_observed,
    digest_of_keys_alone,
    schedule_outlives_flush,
    schedule_given_up_while_linked,
    schedule_not_in_hello,
    schedule_before_flush,
    version_gate_left_out,
    flush_above_clock_followed,
};

struct DefectText {
    Defect defect;
    std::string_view name;
    std::string_view sentence;
};

// All of them, without `none`.
std::span<const DefectText> defects() noexcept;

std::optional<Defect> find_defect(std::string_view name) noexcept;

// "none" for the correct rules.
std::string_view name_of(Defect defect) noexcept;

}  // namespace twincached::model

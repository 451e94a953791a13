#include "test/model/change_log.hpp"

#include <algorithm>

namespace twincached::model {

namespace {

LogEntry* find_unsent(Node& node, unsigned key) noexcept {
    for (unsigned i = 0; i < node.log_size; ++i)
        if (node.log[i].key == key && node.log[i].sequence == 0) return &node.log[i];
    return nullptr;
}

bool logs_no_changes(const Actor& actor) noexcept {
    const Node& self = actor.self();
    return self.dirty || (actor.rules.broken(Defect::clean_only_at_ack) && self.walk != 0);
}

}  // namespace

void fold(const Actor& actor, Version version) {
    if (actor.rules.broken(Defect::merge_without_m)) return;
    if (actor.rules.broken(Defect::last_common_point)) return;
    actor.self().unreported = std::max(actor.self().unreported, version);
    actor.state.forgetful = true;
}

void record(const Actor& actor, unsigned key, Version version, bool whole) {
    Node& self = actor.self();
    if (logs_no_changes(actor)) {
        if (self.items[key] == 0) fold(actor, version);
        return;
    }
    if (LogEntry* entry = find_unsent(self, key)) {
        entry->version = std::max(entry->version, version);
        entry->whole |= whole;
        return;
    }
    if (self.log_size >= actor.rules.bounds.log_entries) {
        overflow(actor);
        record(actor, key, version, whole);
        return;
    }
    self.log[self.log_size++] = LogEntry{static_cast<std::uint8_t>(key), 0, whole, version};
}

void overflow(const Actor& actor) {
    Node& self = actor.self();
    const LogEntry oldest = self.log[0];
    remove_entry(self, 0);
    self.dirty = true;
    if (self.items[oldest.key] == 0) fold(actor, oldest.version);
}

LogEntry* next_unsent(Node& node) noexcept {
    for (unsigned i = 0; i < node.log_size; ++i)
        if (node.log[i].sequence == 0) return &node.log[i];
    return nullptr;
}

Version newest_logged(const Node& node, unsigned key) noexcept {
    Version newest = 0;
    for (unsigned i = 0; i < node.log_size; ++i)
        if (node.log[i].key == key) newest = std::max(newest, node.log[i].version);
    return newest;
}

void drop(const Actor& actor, unsigned key) {
    const Rules& rules = actor.rules;
    Node& self = actor.self();
    const Version version = self.items[key];
    self.items[key] = 0;
    self.expired = static_cast<std::uint8_t>(self.expired & ~(1U << key));
    actor.state.forgetful = true;

    if (rules.broken(Defect::evicted_before_send)) {
        for (unsigned i = self.log_size; i-- > 0;)
            if (self.log[i].key == key) remove_entry(self, i);
    }
    if (self.dirty) {  // R5
        if (!rules.broken(Defect::evict_in_dirty_bucket)) fold(actor, version);
        return;
    }
    if (newest_logged(self, key) >= version) return;  // R6: the entry turns into a DEL (R3)
    if (self.walk == 0) return;
    if (rules.broken(Defect::evict_during_walk)) return;
    if (rules.broken(Defect::evicted_entry_lost) && self.log_size >= rules.bounds.log_entries) {
        overflow(actor);
        return;
    }
    record(actor, key, version);  // R7, and by way of R2 and R1 also R7b
}

void drop_if_expired(const Actor& actor, unsigned key) {
    if ((actor.self().expired >> key & 1U) != 0) drop(actor, key);
}

void remove_entry(Node& node, unsigned place) noexcept {
    for (unsigned i = place; i + 1U < node.log_size; ++i)
        node.log[i] = node.log[i + 1];
    node.log[--node.log_size] = LogEntry{};
}

void unsend_all(Node& node) noexcept {
    for (unsigned i = 0; i < node.log_size; ++i)
        node.log[i].sequence = 0;
    for (unsigned i = 0; i < node.log_size; ++i) {
        for (unsigned j = node.log_size; j-- > i + 1;) {
            if (node.log[j].key != node.log[i].key) continue;
            node.log[i].version = std::max(node.log[i].version, node.log[j].version);
            node.log[i].whole |= node.log[j].whole;
            remove_entry(node, j);
        }
    }
}

}  // namespace twincached::model

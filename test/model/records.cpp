#include "test/model/records.hpp"

#include "test/model/change_log.hpp"

#include <algorithm>

namespace twincached::model {

void observe(const Actor& actor, unsigned time) noexcept {
    if (actor.rules.broken(Defect::no_observe)) return;
    Node& self = actor.self();
    self.time = static_cast<std::uint8_t>(std::max<unsigned>(self.time, time));
}

void hear(Node& node, unsigned key, Version version) noexcept {
    node.heard[key] = std::max(node.heard[key], version);
}

Version known(const Actor& actor, unsigned key) noexcept {
    const Node& self = actor.self();
    Version newest = std::max({self.items[key], newest_logged(self, key), self.flush});
    if (self.items[key] == 0 && !actor.rules.broken(Defect::m_not_checked))
        newest = std::max(newest, self.unreported);
    return newest;
}

void apply_item(const Actor& actor, unsigned key, Version version, Memory memory) {
    Node& self = actor.self();
    observe(actor, time_of(version));
    drop_if_expired(actor, key);
    if (version > known(actor, key) || actor.rules.broken(Defect::arrival_order)) {
        if (version < self.heard[key]) actor.report(Violation::went_backwards);
        self.items[key] = memory == Memory::free ? version : Version{0};
        if (memory == Memory::full) actor.state.forgetful = true;
    }
    hear(self, key, version);
}

void apply_delete(const Actor& actor, unsigned key, Version version) {
    Node& self = actor.self();
    observe(actor, time_of(version));
    drop_if_expired(actor, key);
    if (self.items[key] < version || actor.rules.broken(Defect::arrival_order)) self.items[key] = 0;
    hear(self, key, version);
}

bool apply_touch(const Actor& actor, unsigned key, Version version, Memory memory) {
    Node& self = actor.self();
    observe(actor, time_of(version));
    drop_if_expired(actor, key);
    const bool newer = version > known(actor, key);
    const bool has_write = self.items[key] != 0 && write_of(self.items[key]) == write_of(version);
    if (!newer || has_write) {
        if (newer) self.items[key] = version;
        hear(self, key, version);
        return false;
    }
    // An older item must not outlive this: the peer may lose its own before it answers.
    if (self.items[key] != 0 && !actor.rules.broken(Defect::touch_keeps_older_item)) {
        self.items[key] = 0;
        actor.state.forgetful = true;
    }
    if (memory == Memory::free) return true;
    actor.state.forgetful = true;
    hear(self, key, version);
    return false;
}

}  // namespace twincached::model

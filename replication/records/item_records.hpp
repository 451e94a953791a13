// From an item to the record that tells of it, and from a record to what a store takes over. Here
// and not in a .cpp, since the hot paths of sending and applying call it.
#pragma once

#include "replication/records/data_frames.hpp"
#include "storage/exptime.hpp"
#include "storage/key.hpp"
#include "storage/operations.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <string_view>

namespace twincached::replication {

// Why an item is told, as a change log has it.
struct Occasion {
    storage::Version version = 0;
    bool touch_only = false;
    bool wanted = false;       // somebody asked for it
    bool bare_touch = false;   // a touch goes without the value, however small
    bool whole_touch = false;  // with it, however large, unless it goes bare
};

// A touch of a larger value is told without the value.
inline constexpr std::size_t touch_value_limit = 1024;

// A touch has the value with it as long as that is cheap: then whoever has lost the item, or never
// had it, need not ask for it. Views into the item.
inline WireRecord record_of(const storage::ItemView& item, const Occasion& occasion) noexcept {
    auto record = record_head_of(item);
    record.cold = occasion.wanted;
    record.key = item.key;
    record.value = item.value;
    const bool same_write = storage::write_of(item.version) == storage::write_of(occasion.version);
    const bool is_large = item.value.size() > touch_value_limit;
    const bool is_bare = occasion.bare_touch || (is_large && !occasion.whole_touch);
    if (occasion.touch_only && same_write && is_bare) {
        record.kind = RecordKind::touch;
        record.value = {};
    }
    return record;
}

inline WireRecord removal_of(std::string_view key, storage::Version version) noexcept {
    WireRecord record;
    record.kind = RecordKind::removal;
    record.version = version;
    record.key = key;
    return record;
}

// `expiry`: the record's, by the clock of who takes it over. Views into the record.
inline storage::Record to_take_over(const storage::Key& key, const WireRecord& record,
                                    storage::Expiry expiry) noexcept {
    storage::Record item;
    item.key = key;
    item.version = record.version;
    item.value = record.value;
    item.client_flags = record.client_flags;
    item.expiry = expiry;
    item.explicit_cas = record.explicit_cas;
    item.stale = record.stale;
    item.binary_key = record.binary_key;
    item.cold = record.cold;
    return item;
}

}  // namespace twincached::replication

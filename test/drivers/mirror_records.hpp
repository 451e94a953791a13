// Records as the mirror holds them between the shard's lock and the room. Values.
#pragma once

#include "replication/records/data_frames.hpp"
#include "storage/shard/shard.hpp"

#include <string>
#include <string_view>

namespace twincached::test {

// The highest version that such a time can give.
constexpr storage::Version last_of(std::uint64_t version_time) noexcept {
    return (version_time << 13) | 0x1FFF;
}

// A record that outlives the shard's lock.
struct OwnRecord {
    replication::WireRecord head;  // without key and value
    std::string key;
    std::string value;

    replication::WireRecord whole() const {
        auto record = head;
        record.key = key;
        record.value = value;
        return record;
    }
};

inline OwnRecord record_of(const storage::ItemView& item) {
    OwnRecord record;
    record.head.stale = item.stale;
    record.head.binary_key = item.binary_key;
    record.head.client_flags = item.client_flags;
    record.head.version = item.version;
    record.head.expiry_ms = std::uint64_t{item.expiry.raw()} * 1000;
    if (item.explicit_cas) record.head.explicit_cas = item.cas;
    record.key = item.key;
    record.value = item.value;
    return record;
}

inline OwnRecord removal_of(std::string_view key, storage::Version version) {
    OwnRecord record;
    record.head.kind = replication::RecordKind::removal;
    record.head.version = version;
    record.key = key;
    return record;
}

}  // namespace twincached::test

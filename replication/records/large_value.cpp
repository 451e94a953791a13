#include "replication/records/large_value.hpp"

namespace twincached::replication {

LargeValue::LargeValue(storage::Store& store, const storage::ItemView& item,
                       const WireRecord& record)
    : key_(record.key), record_(record) {
    record_.key = key_;
    record_.value = {};
    if (item.pinnable) pin_ = store.pin(item);
    if (pin_.bytes().empty()) copy_ = record.value;
}

Segment LargeValue::next(std::uint64_t sender_now_ms, std::size_t limit) noexcept {
    Segment segment;
    segment.sender_now_ms = sender_now_ms;
    segment.offset = offset_;
    segment.total = static_cast<std::uint32_t>(value().size());
    segment.record = record_;
    segment.record.value = value().substr(offset_, limit);
    offset_ += segment.record.value.size();
    return segment;
}

}  // namespace twincached::replication

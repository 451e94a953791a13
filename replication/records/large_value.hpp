// A value that is sent in pieces. The item may be overwritten or evicted while they go out: its
// extent is pinned, or the value copied where it has none, so that nobody sees pieces of two values
// under one version. Does not move: the record's key is a view of its own.
#pragma once

#include "replication/records/data_frames.hpp"
#include "storage/memory/pinned_value.hpp"
#include "storage/operations.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication {

class LargeValue {
  public:
    // REQUIRES: called inside a visitor of the store, with the item it was given and its record.
    LargeValue(storage::Store& store, const storage::ItemView& item, const WireRecord& record);
    LargeValue(const LargeValue&) = delete;
    LargeValue& operator=(const LargeValue&) = delete;

    // The next piece, of so many bytes at most; it counts as sent. Views into this.
    Segment next(std::uint64_t sender_now_ms, std::size_t limit) noexcept;
    bool is_sent() const noexcept { return offset_ == value().size(); }

  private:
    std::string_view value() const noexcept { return copy_.empty() ? pin_.bytes() : copy_; }

    std::string key_;
    storage::PinnedValue pin_;
    std::string copy_;   // if the store would not pin it
    WireRecord record_;  // without the value
    std::uint64_t offset_ = 0;
};

}  // namespace twincached::replication

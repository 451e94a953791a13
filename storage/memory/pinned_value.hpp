// Keeps a large value in memory after its shard's lock was released, so that it can be sent
// without a copy, even if it is overwritten or deleted meanwhile. Release it soon: eviction
// passes over what is pinned. May be destroyed by any thread, but before the store.
#pragma once

#include "storage/memory/extents.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

namespace twincached::storage {

class PinnedValue {
  public:
    PinnedValue() noexcept = default;
    // REQUIRES: the caller has a reference to the extent; it passes to the pin.
    PinnedValue(Extents& extents, ExtentNumber extent, std::size_t size) noexcept
        : extents_(&extents), extent_(extent), size_(size) {}
    PinnedValue(PinnedValue&& other) noexcept { swap(other); }
    PinnedValue& operator=(PinnedValue&& other) noexcept {
        swap(other);
        return *this;
    }
    ~PinnedValue() {
        if (extents_ != nullptr) extents_->release(extent_);
    }
    std::string_view bytes() const noexcept {
        if (extents_ == nullptr) return {};
        return {extents_->data(extent_), size_};
    }

  private:
    void swap(PinnedValue& other) noexcept {
        std::swap(extents_, other.extents_);
        std::swap(extent_, other.extent_);
        std::swap(size_, other.size_);
    }

    Extents* extents_ = nullptr;
    ExtentNumber extent_ = 0;  // with a reference of ours
    std::size_t size_ = 0;
};

}  // namespace twincached::storage

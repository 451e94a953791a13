// Memory for a large value that is still arriving, taken from the store's limit, to be handed to
// Store::write through its bytes. Large = Store::is_large(size). Must not outlive the store.
#pragma once

#include "storage/memory/extents.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace twincached::storage {

class ValueReservation {
  public:
    ValueReservation() noexcept = default;
    // REQUIRES: the caller owns the extent, and has counted `size` in `reserved_bytes`; both pass
    // to the reservation.
    ValueReservation(Extents& extents, ExtentNumber extent, std::size_t size,
                     std::atomic<std::uint64_t>& reserved_bytes) noexcept
        : extents_(&extents), extent_(extent), size_(size), reserved_bytes_(&reserved_bytes) {}
    ValueReservation(ValueReservation&& other) noexcept { swap(other); }
    ValueReservation& operator=(ValueReservation&& other) noexcept {
        swap(other);
        return *this;
    }
    ~ValueReservation() {
        if (extent_ != 0) extents_->release(extent_);
        if (reserved_bytes_ != nullptr) reserved_bytes_->fetch_sub(size_);
    }
    std::span<char> bytes() const noexcept {
        if (extent_ == 0) return {};
        return {extents_->data(extent_), size_};
    }
    explicit operator bool() const noexcept { return extent_ != 0; }
    // The extent passes to the caller.
    ExtentNumber take() noexcept { return std::exchange(extent_, 0); }

  private:
    void swap(ValueReservation& other) noexcept {
        std::swap(extents_, other.extents_);
        std::swap(extent_, other.extent_);
        std::swap(size_, other.size_);
        std::swap(reserved_bytes_, other.reserved_bytes_);
    }

    Extents* extents_ = nullptr;
    ExtentNumber extent_ = 0;  // owned
    std::size_t size_ = 0;
    std::atomic<std::uint64_t>* reserved_bytes_ = nullptr;  // the store's, size_ is part of it
};

}  // namespace twincached::storage

// A few values on the stack, made as they are added: an array would make all of its places first,
// which is more work than most batches are. Owned by the function that fills it.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace twincached::protocol {

template <class Value, std::size_t limit>
requires std::is_trivially_copyable_v<Value>
class ShortList {
  public:
    ShortList() noexcept {}  // NOLINT: its places are empty

    static constexpr std::size_t capacity() noexcept { return limit; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    // REQUIRES: size() < capacity().
    void add(const Value& value) noexcept {
        assert(size_ < limit);
        std::construct_at(values_ + size_++, value);
    }
    const Value& operator[](std::size_t index) const noexcept {
        assert(index < size_);
        return values_[index];
    }
    std::span<const Value> all() const noexcept { return {values_, size_}; }

  private:
    std::size_t size_ = 0;
    union {
        Value values_[limit];  // the first size_ of them
    };
};

}  // namespace twincached::protocol

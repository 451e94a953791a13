// Memory for the one asynchronous operation that a session has under way: it lies in the session,
// so that waiting for a client costs no allocation. Used by the session's own thread only.
#pragma once

#include <cassert>
#include <cstddef>
#include <new>

namespace twincached::app {

class HandlerMemory {
  public:
    HandlerMemory() noexcept = default;
    HandlerMemory(const HandlerMemory&) = delete;
    HandlerMemory& operator=(const HandlerMemory&) = delete;

    void* allocate(std::size_t size) {
        if (in_use_ || size > sizeof storage_) return ::operator new(size);
        in_use_ = true;
        return storage_;
    }
    void deallocate(void* pointer) noexcept {
        if (pointer != storage_) return ::operator delete(pointer);
        assert(in_use_);
        in_use_ = false;
    }

  private:
    // What Asio 1.26 asks for a wait with a small handler is 88 bytes.
    alignas(std::max_align_t) std::byte storage_[112];
    bool in_use_ = false;
};

template <class T>
class HandlerAllocator {
  public:
    using value_type = T;

    explicit HandlerAllocator(HandlerMemory& memory) noexcept : memory_(&memory) {}
    template <class U>
    HandlerAllocator(const HandlerAllocator<U>& other) noexcept  // NOLINT: implicit, as std asks
        : memory_(other.memory_) {}

    T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(sizeof(T) * count)); }
    void deallocate(T* pointer, std::size_t) noexcept { memory_->deallocate(pointer); }

    friend bool operator==(const HandlerAllocator& left, const HandlerAllocator& right) noexcept {
        return left.memory_ == right.memory_;
    }

  private:
    template <class U>
    friend class HandlerAllocator;

    HandlerMemory* memory_;
};

}  // namespace twincached::app

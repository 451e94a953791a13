// What may find no memory, in places that no exception may leave.
#pragma once

#include <new>

namespace twincached::lib {

// Does it, or as much of it as the function leaves done when there is no memory: false then.
template <class Function>
[[nodiscard]] bool has_memory_for(Function&& function) noexcept {
    try {
        function();
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

// The same for what runs where no exception may pass, but where one may be thrown a little later: a
// visitor of the store runs under a shard's lock, called by functions that are noexcept.
//
//     MemoryGuard guard;
//     shard.visit_bucket(bucket, now, guard.over([&](const ItemView& item) { ... }));
//     guard.finish();
//
// Lives as long as what it guards is called.
class MemoryGuard {
  public:
    // Does it, or as much of it as there is memory for.
    template <class Function>
    void run(Function&& function) noexcept {
        if (!has_memory_for(function)) has_failed_ = true;
    }
    // What is to be called instead. After one call that found no memory the others do nothing.
    template <class Function>
    auto over(Function function) noexcept {
        return [this, function](auto&&... arguments) noexcept {
            if (has_failed_) return;
            run([&] { function(arguments...); });
        };
    }
    // Throws std::bad_alloc if one of them found none.
    void finish() const {
        if (has_failed_) throw std::bad_alloc();
    }

  private:
    bool has_failed_ = false;
};

}  // namespace twincached::lib

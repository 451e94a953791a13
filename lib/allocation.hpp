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

}  // namespace twincached::lib

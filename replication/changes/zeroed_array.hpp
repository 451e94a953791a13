// An array that begins as zero bytes. A large one costs neither time nor memory until it is written
// to, page by page: the kernel clears a page when it is first used.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace twincached::replication {

struct FreesZeroed {
    void operator()(void* memory) const noexcept { std::free(memory); }
};
template <class T>
using ZeroedArray = std::unique_ptr<T[], FreesZeroed>;

// Throws std::bad_alloc.
template <class T>
ZeroedArray<T> make_zeroed(std::size_t count) {
    static_assert(std::is_trivially_default_constructible_v<T> &&
                  std::is_trivially_destructible_v<T>);
    ZeroedArray<T> array(static_cast<T*>(std::calloc(count, sizeof(T))));
    if (!array) throw std::bad_alloc();
    return array;
}

}  // namespace twincached::replication

// Fetches the line at an address into the cache, without waiting for it.
#pragma once

namespace twincached::lib {

inline void prefetch(const void* address) noexcept {
    __builtin_prefetch(address);
    // Without this the compiler finds that a function which only prefetches has no effect, and
    // drops the calls of it.
    asm volatile("");
}

}  // namespace twincached::lib

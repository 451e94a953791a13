// Which keys the requests that have come want, told at a glance and before any of them is parsed,
// so that the store's memory is on its way while the first is answered. A glance may be wrong: what
// it says decides where to look sooner, and nothing else.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace twincached::protocol {

struct KeysAhead {
    std::size_t count = 0;  // of keys
    std::size_t bytes = 0;  // of the requests that were looked at; may reach beyond the input
};

// One per dialect. Pure; it ends where `keys` is full.
using Glance = KeysAhead (*)(std::string_view input, std::span<std::string_view> keys) noexcept;

}  // namespace twincached::protocol

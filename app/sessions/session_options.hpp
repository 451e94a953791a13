// What an operator may decide of how clients are served: by how many threads, how long they may
// take, and how much they may make us keep. Plain values.
#pragma once

#include "lib/option_row.hpp"

#include <chrono>
#include <cstdint>
#include <span>

namespace twincached::app {

struct SessionOptions {
    std::uint32_t threads{};
    // 0: never.
    std::chrono::milliseconds idle_timeout{};     // nothing was heard
    std::chrono::milliseconds write_timeout{};    // answers were not read
    std::chrono::milliseconds request_timeout{};  // a request was not complete
    std::chrono::milliseconds login_timeout{};    // a login was not judged
    std::uint64_t buffer_memory_bytes{};          // of all clients; 0: no limit
};

std::span<const lib::OptionRow> session_option_rows() noexcept;

}  // namespace twincached::app

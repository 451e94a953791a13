// What `debugtime` does to the server's clocks: moves them at once, stops them, lets them go on.
#pragma once

#include <cstdint>

namespace twincached::protocol {

struct ClockChange {
    enum class Action : std::uint8_t { move, pause, resume };
    Action action = Action::move;
    std::int64_t seconds = 0;  // of a move; either direction
};

}  // namespace twincached::protocol

// What an operator may set of how clients are spoken to. Plain values; filled before the first
// conversation and unchanged after that, so that any thread may read them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace twincached::protocol {

// Whether answers to changes wait until the peer has them (ack mode `received`): those of all
// commands that came together, or each, so that it can be turned into an error.
enum class Confirmation : std::uint8_t { none, of_bursts, of_each_change };

struct Settings {
    std::uint32_t requests_per_event = 20;  // -R
    std::uint64_t item_size_limit_bytes = 1 << 20;
    bool cas_enabled = true;        // -C turns it off
    bool flush_enabled = true;      // -F
    bool dump_enabled = true;       // -X
    bool shutdown_enabled = false;  // -A
    bool watch_enabled = true;      // -W
    std::size_t output_high_water_bytes = 256 * 1024;
    bool ascii = true;            // -B auto or ascii
    bool binary = true;           // -B auto or binary
    char prefix_delimiter = ':';  // -D
    bool sasl_required = false;   // -S: clients of the binary protocol must log in
    bool login_required = false;  // -Y: clients of the text protocol must
    bool track_sizes = false;     // -o track_sizes: `stats sizes` tells them
    bool test_commands = false;   // --test-commands: there is `debugtime`
    Confirmation confirmation = Confirmation::none;
};

}  // namespace twincached::protocol

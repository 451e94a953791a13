// What an operator may set of how clients are spoken to. Plain values; filled before the first
// conversation and unchanged after that, so that any thread may read them.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_value.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace twincached::protocol {

// Whether answers to changes wait until the peer has them (ack mode `received`): those of all
// commands that came together, or each, so that it can be turned into an error.
enum class Confirmation : std::uint8_t { none, of_bursts, of_each_change };

// What clients may speak; the choices of -B, in order.
enum class Dialects : std::uint8_t { all, ascii, binary };

// Members without a value have their default in their row: start from default_settings().
struct Settings {
    std::uint32_t requests_per_event{};  // -R
    bool cas_enabled{};                  // -C turns it off
    bool flush_enabled{};                // -F
    bool dump_enabled{};                 // -X
    bool shutdown_enabled{};             // -A
    bool watch_enabled{};                // -W
    bool hot_keys{};                     // from the start on; clients may turn it on and off
    Dialects dialects{};                 // -B
    std::string prefix_delimiter;        // -D, its first byte; empty: ':'
    bool sasl_required{};                // -S: clients of the binary protocol must log in
    bool track_sizes{};                  // -o track_sizes: `stats sizes` tells them
    bool crawler_enabled{};              // -o lru_crawler: until `lru_crawler` says otherwise
    bool maintainer_enabled{};  // -o lru_maintainer: `lru mode` and `lru temp_ttl` are known
    bool reassign_enabled{};    // -o slab_reassign: `slabs reassign` is
    std::int64_t watcher_buffer_kib{};  // -o watcher_logbuf_size
    bool test_commands{};               // --test-commands: there is `debugtime`

    // Of the surroundings; no rows.
    bool login_required = false;  // -Y: clients of the text protocol must log in
    std::size_t output_high_water_bytes = 256 * 1024;
    Confirmation confirmation = Confirmation::none;

    char delimiter() const noexcept {
        return prefix_delimiter.empty() ? ':' : prefix_delimiter.front();
    }
    // What a client sees of an item's CAS unique.
    std::uint64_t shown_cas(std::uint64_t cas) const noexcept { return cas_enabled ? cas : 0; }
    bool speaks_ascii() const noexcept { return dialects != Dialects::binary; }
    bool speaks_binary() const noexcept { return dialects != Dialects::ascii; }
};

std::span<const lib::OptionRow> setting_rows() noexcept;

inline Settings default_settings() {
    return lib::option_defaults<Settings>(setting_rows());
}

}  // namespace twincached::protocol

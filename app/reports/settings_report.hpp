// `stats settings`: memcached 1.6's 77 keys in its order and words, then every option that it does
// not have, by section and key. Those that are options come from their rows, with the place that
// they have among memcached's; the few that are states of the server come from it. Pure.
#pragma once

#include "app/options/options.hpp"
#include "protocol/stat_visitor.hpp"

#include <cstdint>
#include <string>

namespace twincached::app {

// What is not in the options because it changes, or turned out, at run time.
struct SettingsState {
    std::uint64_t memory_limit_bytes = 0;
    std::int64_t verbosity = 0;
    std::int64_t tcp_port = 0;
    std::uint64_t oldest_tick = 0;
    bool detail_enabled = false;
    std::int64_t udp_port = 0;  // 0: not open yet, the option tells
};

// memcached's name of an option, or "replication_on_split" of on-split in [replication].
std::string setting_name(const lib::OptionRow& row);

// A secret is told as one that is set, or is not.
void report_settings(const Options& options, const SettingsState& state,
                     protocol::StatVisitor visit);

}  // namespace twincached::app

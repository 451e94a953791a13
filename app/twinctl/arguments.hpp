// What twinctl is told on its command line, and by the files of secrets that it names: a command
// line can be read by every user of the machine. Words for mistakes are partly
// Boost.Program_options'.
#pragma once

#include "app/twinctl/admin_client.hpp"
#include "lib/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

struct Arguments {
    Arguments() = default;  // no aggregate: Parsed could not tell it from its error

    std::string command;  // of the table in arguments.cpp, or "help" or "version"
    std::string check = "ready";
    std::string level;               // of log-level
    std::vector<NodeAddress> nodes;  // empty: those of this machine
    bool is_json = false;
    bool is_weight = false;
    std::optional<std::chrono::milliseconds> lag;
    std::chrono::milliseconds timeout{2000};
    std::chrono::milliseconds interval{1000};
    std::uint64_t rounds = 0;  // of top and watch; 0: until it is interrupted
    std::string prefix;        // of keys and dump: of the keys that are meant
    bool is_hot = false;       // of keys: the hottest ones
    std::uint64_t limit = 0;   // of keys and dump: items; of digest: buckets listed; 0: as it is
    std::string haproxy;       // of doctor: HAProxy's configuration; empty: none
    std::optional<NodeAddress> to;  // of load: where clients go
    bool only_new = false;          // of load: what is there already stays
    std::string login;              // of load: "user password"; empty: nobody logs in
};

// Without the program's name. The error is a sentence.
lib::Parsed<Arguments> parse_arguments(const std::vector<std::string>& words);

// Whether it changes something; then it is told to one node.
bool is_order(std::string_view command) noexcept;

std::string usage();

}  // namespace twincached::app

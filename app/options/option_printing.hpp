// The option table as text: for --help, --print-config and the shipped configuration file. Pure.
#pragma once

#include "app/options/option_reader.hpp"
#include "app/options/options.hpp"

#include <string>
#include <string_view>

namespace twincached::app {

// What stands where a secret would be shown.
inline constexpr std::string_view masked = "********";

// Grouped by section, with the defaults.
std::string help_text(const OptionTable& table);

// What is in effect, as a file that would bring it about. Secrets are masked.
std::string config_text(const Options& options);

// The same, with the source of each value as a comment behind it.
std::string explained_config_text(const OptionReader& reader);

// Every option with what it does, its range and its default, as shipped in
// conf/twincached.conf.
std::string default_config_text(const OptionTable& table);

}  // namespace twincached::app

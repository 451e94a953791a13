// What an operator would regret of options that are valid: --check-config says it, and so does the
// start. Warnings only; what cannot work is an error elsewhere. Asks the machine and looks at
// files, changes nothing, keeps nothing. Control thread, before the process becomes another user.
#pragma once

#include "app/options/options.hpp"
#include "app/process/machine.hpp"
#include "app/start_files.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace twincached::app {

// A sentence each, which begins with the option that is to blame. REQUIRES: the options are valid.
std::vector<std::string> config_warnings(const Options& options, const Machine& machine);

// What the parts of a node say themselves once they run, of the same kind: the link of a missing
// secret, the certificates of their end, -k of a limit that is too low.
std::vector<std::string> warnings_of_parts(const Options& options, const Machine& machine,
                                           const StartFiles& files, std::int64_t unix_seconds);

}  // namespace twincached::app

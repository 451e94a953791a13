// --check-config: opens what a start would open, in its order and as the user whom it would become,
// and ends as it would, but touches nothing that a running node has: no port, no pid file, no
// socket path. (nginx -t is the model.) Control thread, instead of a server.
#pragma once

#include "app/options/options.hpp"

#include <functional>
#include <string>

namespace twincached::app {

// Called with a sentence for each thing that somebody would regret.
using Warn = std::function<void(const std::string& sentence)>;

// Warns as soon as it knows: what is an error at last may have been foretold. Throws what the start
// would throw: StartError, std::system_error, std::runtime_error. The process is another user
// afterwards, if it was root and the options name one. REQUIRES: the options are valid by
// themselves.
void check_start(const Options& options, const Warn& warn);

}  // namespace twincached::app

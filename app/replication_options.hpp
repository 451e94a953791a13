// What the rest of the program adds to the options of replication: when they are settled, and what
// a driver is told of this node. Start-up and reload only.
#pragma once

#include "app/options/option_reader.hpp"
#include "app/options/options.hpp"
#include "app/start_files.hpp"
#include "replication/replicator.hpp"

#include <chrono>

namespace twincached::app {

// Which driver it is, once all options are read, and what is wrong with those of all drivers.
void settle_replication(OptionReader& reader);

// `options` must outlive it.
replication::Setup replication_setup(const Options& options, const StartFiles& files);
// A thread that has stood still for longer than this must not execute what waited for it: another
// node may have taken over and newer writes. 0: there is none.
std::chrono::milliseconds pause_limit(const Options& options);

}  // namespace twincached::app

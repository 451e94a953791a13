// From what an operator wrote to what a replicator takes.
#pragma once

#include "app/options/options.hpp"
#include "replication/replicator.hpp"

namespace twincached::app {

// Reads the secret's file. Throws std::runtime_error with a sentence.
replication::Options replication_options(const Options& options);
replication::OnSplit on_split_policy(const Options& options);

}  // namespace twincached::app

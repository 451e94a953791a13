// Which driver an operator chose, and what a replicator takes of what he decided of it.
#pragma once

#include "app/options/options.hpp"
#include "lib/option_row.hpp"
#include "replication/pair/driver/pair_options.hpp"
#include "replication/replicator.hpp"

#include <chrono>
#include <span>
#include <string>
#include <vector>

namespace twincached::app {

struct ReplicationOptions {
    std::string driver;  // "auto" until all options are read
};

std::span<const lib::OptionRow> replication_option_rows() noexcept;

// What is wrong with the addresses, and with the driver that was chosen.
std::vector<lib::OptionProblem> address_problems(const Options& options);

// What the peer is shown, and who it must be.
lib::TlsSettings link_tls_settings(const replication::pair::PairOptions& options);

// Reads the secret's file. Throws std::runtime_error with a sentence.
replication::Options replication_options(const Options& options);
// A thread that has stood still for longer than this must not execute what waited for it: the peer
// may have taken over and newer writes. 0: there is no peer.
std::chrono::milliseconds pause_limit(const Options& options);
replication::OnSplit on_split_policy(const replication::pair::PairOptions& options);

}  // namespace twincached::app

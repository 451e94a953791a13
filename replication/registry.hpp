// The drivers that there are. A driver is a folder of its own and one line in registry.cpp: its
// factory. Nothing else of the program names a driver; whoever needs one takes a list of factories,
// so that tests can bring drivers of theirs. Constant data; any thread.
#pragma once

#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/tls_context.hpp"
#include "replication/replicator.hpp"
#include "replication/replicator_factory.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twincached::replication {

using Factories = std::span<const ReplicatorFactory>;

// Of the program.
Factories replicator_factories() noexcept;
// The row of `driver`, whose choices they are.
std::span<const lib::OptionRow> driver_option_rows() noexcept;

// What these drivers read, at its defaults, and no driver chosen: for whoever reads no options.
lib::OptionStructs default_options(Factories factories);

// When all is read: `auto` becomes the name of the first driver that is meant; the first of all if
// none is.
void choose_driver(Factories factories, lib::OptionStructs& options);
// What is wrong with the options of all drivers, and with the driver that was chosen.
std::vector<lib::OptionProblem> problems_of(Factories factories, const lib::OptionStructs& options);

// Another driver was chosen than that of a node alone, which is the first.
bool is_replicated(Factories factories, const lib::OptionStructs& options) noexcept;
// What a node lacks that is alone although it should not be: "it needs a peer (-x, ...)".
std::string what_is_missing(Factories factories);
// What an operator would regret, of the driver that was chosen.
std::vector<std::string> warnings_of(Factories factories, const Setup& setup);
// The same of what only others can tell, such as a name service, or what a start can do without.
// Blocks for as long as they take.
std::vector<std::string> warnings_from_outside(Factories factories, const Setup& setup);

// Of the driver that was chosen; none: no other node comes to this one.
std::optional<ListeningPlace> listening_place(Factories factories, const Setup& setup);

// After how long a pause of this node another may have taken its clients over; 0: never.
std::chrono::milliseconds patience_of_others(Factories factories,
                                             const lib::OptionStructs& options);

// Of the driver that was chosen; none: it wants none.
std::optional<lib::TlsSettings> tls_settings(Factories factories,
                                             const lib::OptionStructs& options);
// Throws std::invalid_argument with a sentence that names those there are, or what the driver's own
// make() throws.
std::unique_ptr<Replicator> make_replicator(Factories factories, const Setup& setup, Events events);

}  // namespace twincached::replication

// What a driver brings: one row, which the registry lists. The program knows drivers by these rows
// alone, and no driver by name. Constant data; any thread.
#pragma once

#include "lib/input/endpoint.hpp"
#include "lib/option_row.hpp"
#include "lib/option_structs.hpp"
#include "lib/tls_context.hpp"
#include "replication/replicator.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication {

// REQUIRES: the port is known. Without a host it is all interfaces.
struct ListeningPlace {
    std::string option;  // who asks for it, as messages name it
    lib::Endpoint at;
};

// Without the functions that it leaves out a driver has no options, is chosen by its name alone and
// wants no certificates.
struct ReplicatorFactory {
    std::string_view name;  // as operators write it
    // Throws what a person should read. REQUIRES: check() found nothing.
    std::unique_ptr<Replicator> (*make)(const Setup& setup, Events events) = nullptr;

    // What an operator may decide of it.
    std::span<const lib::OptionRow> (*rows)() noexcept = nullptr;
    // What is wrong with these options, whatever driver is chosen. Each is well by itself.
    std::vector<lib::OptionProblem> (*check)(const lib::OptionStructs& options) = nullptr;

    // The options ask for this driver: what `auto` goes by, and what the driver cannot do without.
    bool (*is_meant)(const lib::OptionStructs& options) noexcept = nullptr;
    std::string_view wants = {};     // what is there then, "a peer"
    std::string_view given_by = {};  // how an operator gives it

    // Where it waits for other nodes once it is started; none: nowhere. Blocks where that is a
    // name. Throws what make() throws.
    std::optional<ListeningPlace> (*listens_at)(const Setup& setup) = nullptr;

    // What an operator would regret of how the driver is set: a sentence each, which begins with
    // the option to change.
    std::vector<std::string> (*warnings)(const Setup& setup) = nullptr;
    // The same of what only others can tell, or what may still come: a start does not wait for
    // them. Blocks.
    std::vector<std::string> (*warnings_from_outside)(const Setup& setup) = nullptr;

    // After how long a pause of this node others may have taken its clients over. None: never.
    std::chrono::milliseconds (*patience)(const lib::OptionStructs& options) = nullptr;

    // The certificate that other nodes are shown, and who they must be; none: it is not wanted.
    std::optional<lib::TlsSettings> (*tls)(const lib::OptionStructs& options) = nullptr;
};

}  // namespace twincached::replication

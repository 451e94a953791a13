#include "app/replication_options.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/listeners/listener_options.hpp"
#include "lib/option_value.hpp"
#include "replication/registry.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::app {
namespace {

// Where clients find this node, if that is one address alone.
std::string only_host(const std::vector<std::string>& listeners) {
    if (listeners.size() != 1) return {};
    const auto only = parse_listener(listeners.front());
    return only ? only->endpoint.host : std::string();
}

// An operator has written it: on the command line, or in the file and not as it would be without.
bool is_asked_for(const OptionReader& reader, const lib::OptionRow& row) {
    const auto source = reader.origin_of(row.section, row.key).source;
    const bool is_default = lib::value_text(row, reader.options().structs()) == row.initial;
    return source != Source::preset && (source != Source::file || !is_default);
}

// What an operator has written for another node, beside the driver.
std::string asked_for(const OptionReader& reader) {
    std::string keys;
    for (const auto& row : reader.table().rows()) {
        if (row.section != "replication" || row.key == "driver") continue;
        if (row.use != lib::OptionUse::effective || !is_asked_for(reader, row)) continue;
        keys.append(keys.empty() ? "" : ", ").append(row.key);
    }
    return keys;
}

// "b" is one of "a|b".
bool names(std::string_view choices, std::string_view name) {
    while (!choices.empty()) {
        const auto end = std::min(choices.find('|'), choices.size());
        if (choices.substr(0, end) == name) return true;
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return false;
}

// A promise that the chosen driver does not know of would be relied upon.
void remark_on_unused(OptionReader& reader, replication::Factories factories) {
    const auto& structs = reader.options().structs();
    if (!replication::is_replicated(factories, structs)) return;
    const auto& driver = structs.get<replication::ReplicationOptions>().driver;
    for (const auto& row : reader.table().rows()) {
        if (row.used_by.empty() || names(row.used_by, driver) || !is_asked_for(reader, row))
            continue;
        reader.remark(std::string(row.key) + ": driver " + driver + " does not use it");
    }
}

// A node alone that was meant to have another would say nothing, and lose everything one day.
void remark_on_loneliness(OptionReader& reader, replication::Factories factories, bool is_auto) {
    if (replication::is_replicated(factories, reader.options().structs())) return;
    const auto keys = asked_for(reader);
    if (keys.empty()) return;
    const auto& driver = reader.options().get<replication::ReplicationOptions>().driver;
    const auto missing = is_auto ? replication::what_is_missing(factories) : "driver = " + driver;
    reader.remark("this node is alone, although [replication] has " + keys + ": " + missing);
}

// The link cannot have the clients' port, unless they are at different addresses.
void complain_of_shared_port(OptionReader& reader, replication::Factories factories) {
    const auto& listeners = reader.options().get<ListenerOptions>();
    const auto* row = reader.table().of_key("replication", "listen");
    const auto& structs = reader.options().structs();
    if (row == nullptr || !replication::is_replicated(factories, structs)) return;
    const auto link = lib::parse_link_endpoint(lib::value_text(*row, structs));
    if (!link || !link->port || !listeners.unix_socket.empty()) return;
    const auto collides = [&](const std::string& host, int port) {
        return port == *link->port && (host.empty() || link->host.empty() || host == link->host);
    };
    bool is_shared = listeners.listen.empty() && collides("", listeners.port);
    for (const auto& text : listeners.listen) {
        const auto listener = parse_listener(text);
        if (!listener) continue;
        const auto& place = listener->endpoint;
        is_shared = is_shared || collides(place.host, place.port.value_or(listeners.port));
    }
    if (!is_shared) return;
    reader.complain({{"replication", "listen",
                      "the link (listen of [replication], -X) and the clients (port, -p) both want "
                      "port " +
                          std::to_string(*link->port)}});
}

}  // namespace

void settle_replication(OptionReader& reader) {
    const auto factories = replication::replicator_factories();
    auto& structs = reader.options().structs();
    const bool is_auto = structs.get<replication::ReplicationOptions>().driver == "auto";
    replication::choose_driver(factories, structs);
    reader.complain(replication::problems_of(factories, structs));
    complain_of_shared_port(reader, factories);
    remark_on_loneliness(reader, factories, is_auto);
    remark_on_unused(reader, factories);
}

replication::Setup replication_setup(const Options& options, const StartFiles& files) {
    return {.options = options.structs(),
            .secret = files.secrets.current,
            .old_secret = files.secrets.old,
            .shards = storage::planned_shard_count(options.get<storage::StoreOptions>()),
            .clients_host = only_host(options.get<ListenerOptions>().listen),
            .software_version = TWINCACHED_VERSION,
            .tls = files.certificates.link};
}

std::chrono::milliseconds pause_limit(const Options& options) {
    return replication::patience_of_others(replication::replicator_factories(), options.structs());
}

}  // namespace twincached::app

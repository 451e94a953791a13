#include "app/server_options.hpp"

#include "app/addresses/endpoint.hpp"
#include "app/endpoint/entry/endpoint_options.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/logins/password_files.hpp"
#include "app/options/action_options.hpp"
#include "app/options/memcached_words.hpp"
#include "app/options/option_reader.hpp"
#include "app/process/log.hpp"
#include "app/process/process_options.hpp"
#include "app/process/tls_options.hpp"
#include "app/replication_options.hpp"
#include "app/restart/memory_file_options.hpp"
#include "app/sessions/session_options.hpp"
#include "lib/numbers.hpp"
#include "protocol/settings.hpp"
#include "replication/registry.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {
namespace {

constexpr std::array sections = {
    OptionSection{"", "Instead of serving, and where options come from"},
    OptionSection{"network", "Where clients come in"},
    OptionSection{"process", "The user, threads and memory of the process"},
    OptionSection{"memory", "Items and their memory"},
    OptionSection{"commands", "What clients may ask for"},
    OptionSection{"log", "What is written down"},
    OptionSection{"replication", "The other node"},
    OptionSection{"tls", "Encryption for clients"},
    OptionSection{"limits", "How much clients may take"},
    OptionSection{"access", "Who may come in"},
    OptionSection{"admin", "Where the node can be asked about itself"},
    OptionSection{"memcached", "Further words of memcached's"},
};

// Texts are memcached's. Nothing is cut into chunks here, but a command line that memcached would
// refuse is refused.
void check_chunks(OptionReader& reader) {
    constexpr std::uint64_t kib = 1024;
    const auto& options = reader.options();
    const auto size = options.get<storage::StoreOptions>().item_size_limit_bytes;
    const auto written = options.structs().written("slab_chunk_max");
    const auto chunk = lib::parse_number<std::uint64_t>(written).value_or(0) * kib;
    std::string problem;
    if (chunk > size) {
        problem = fmt::format(
            "slab_chunk_max (bytes: {}) cannot be larger than -I (item_size_max {})", chunk, size);
    } else if (chunk > 0 && size % chunk != 0 && reader.is_set("memcached", "slab_chunk_max")) {
        problem = fmt::format(
            "-I (item_size_max: {}) must be evenly divisible by slab_chunk_max (bytes: {})", size,
            chunk);
    }
    if (!problem.empty()) reader.complain({{"memory", "item-size-limit", problem}});
}

void settle_store(OptionReader& reader) {
    auto& store = reader.options().edit<storage::StoreOptions>();
    store.threads = reader.options().get<SessionOptions>().threads;
    const auto problems = problems_of(store);
    if (problems.empty()) return check_chunks(reader);
    reader.complain(problems);
}

void settle_sessions(OptionReader& reader) {
    constexpr std::uint32_t threads_sensible = 64;
    if (reader.options().get<SessionOptions>().threads <= threads_sensible) return;
    reader.remark(
        "WARNING: Setting a high number of workerthreads is not recommended. "
        "Set this value to the number of cores in your machine or less.");
}

void settle_listeners(OptionReader& reader) {
    auto& listeners = reader.options().edit<ListenerOptions>();
    // A UDP port alone moves TCP with it (memcached 1.6).
    if (listeners.udp_port != 0 && reader.is_set("network", "udp-port") &&
        !reader.is_set("network", "port")) {
        listeners.port = listeners.udp_port;
    }
    reader.complain(problems_of(listeners));
}

// Texts are memcached's.
void settle_access(OptionReader& reader) {
    auto& settings = reader.options().edit<protocol::Settings>();
    const bool has_udp = reader.options().get<ListenerOptions>().udp_port != 0;
    const bool login = !reader.options().get<PasswordOptions>().auth_file.empty();
    settings.login_required = login;
    reader.options().edit<PasswordOptions>().sasl_required = settings.sasl_required;
    // Where only one protocol asks who its clients are, the other is closed.
    if (settings.sasl_required != login && settings.dialects == protocol::Dialects::all) {
        settings.dialects = login ? protocol::Dialects::ascii : protocol::Dialects::binary;
    }
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string_view message) {
        problems.push_back({"access", key, std::string(message)});
    };
    if (settings.sasl_required && !settings.speaks_binary()) {
        complain("sasl", "ERROR: You cannot allow the ASCII protocol while using SASL.");
    }
    if (login && !settings.speaks_ascii()) {
        complain("auth-file",
                 "ERROR: You cannot allow the BINARY protocol while using ascii authentication "
                 "tokens.");
    }
    if (settings.sasl_required && has_udp) {
        complain("sasl", "ERROR: Cannot enable UDP while using binary SASL authentication.");
    }
    if (login && has_udp) {
        complain("auth-file", "Cannot use UDP with ascii authentication enabled (-U 0 to disable)");
    }
    reader.complain(problems);
}

void settle_tls(OptionReader& reader) {
    const auto& tls = reader.options().get<TlsOptions>();
    const auto& listeners = reader.options().get<ListenerOptions>();
    const bool is_mutual = has_mutual_listener(listeners);
    if (!tls.enabled) {
        if (!is_mutual) return;
        return reader.complain(
            {{"network", "listen", "a listener with mtls: needs TLS to be on (-Z)"}});
    }
    if (listeners.udp_port != 0) reader.remark("UDP (-U) is not encrypted, whatever -Z says");
    if (!listeners.unix_socket.empty()) {
        reader.complain({{"tls", "enabled", "ERROR: You cannot enable SSL without a TCP port."}});
    }
    reader.complain(problems_of(tls));
    if ((tls.verify_mode > 0 || is_mutual) && tls.ca_cert.empty()) {
        reader.complain(
            {{"tls", "verify-mode",
              "clients' certificates cannot be verified without -o ssl_ca_cert=<file>"}});
    }
}

void settle_endpoint(OptionReader& reader) {
    reader.complain(problems_of(reader.options().get<EndpointOptions>()));
}

// repcached's -X <port> or -X <listen:connect>; alone it is memcached's "disable dumping".
bool take_repcached_ports(std::string_view argument, OptionReader& reader) {
    const auto ports = parse_port_pair(argument);
    if (!ports) return false;
    const Origin origin{Source::command_line, ""};
    const auto& table = reader.table();
    reader.set(*table.of_key("replication", "listen"), std::to_string(ports->listen), origin);
    reader.set(*table.of_key("replication", "peer-port"), std::to_string(ports->connect), origin);
    return true;
}

// A module brings its rows; what settles the rules of several is at the last of them.
std::vector<OptionPart> all_parts() {
    std::vector<OptionPart> parts = {
        OptionPart{action_option_rows()},
        OptionPart{listener_option_rows(), settle_listeners},
        OptionPart{process_option_rows()},
        OptionPart{session_option_rows(), settle_sessions},
        OptionPart{storage::store_option_rows(), settle_store},
        OptionPart{memory_file_option_rows()},
        OptionPart{password_option_rows()},
        OptionPart{protocol::setting_rows(), settle_access},
        OptionPart{log_option_rows()},
        OptionPart{replication::driver_option_rows(), settle_replication},
        OptionPart{replication::option_rows()},
        OptionPart{tls_option_rows(), settle_tls},
        OptionPart{endpoint_option_rows(), settle_endpoint},
        OptionPart{memcached_word_rows()},
    };
    for (const auto& driver : replication::replicator_factories())
        if (driver.rows != nullptr) parts.push_back({driver.rows()});
    return parts;
}

}  // namespace

const OptionTable& server_option_table() {
    static const OptionTable table(
        sections, all_parts(),
        OptionHomonym{'X', "a port or nothing", take_repcached_ports,
                      "-X <port> or -X <listen:connect>\n"
                      "        repcached's replication port: sets listen and peer-port of "
                      "[replication].\n"});
    return table;
}

}  // namespace twincached::app

#include "app/config_check.hpp"

#include "app/config_warnings.hpp"
#include "app/endpoint/entry/admin_listeners.hpp"
#include "app/endpoint/entry/endpoint_options.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/listeners/listening_socket.hpp"
#include "app/logins/password_files.hpp"
#include "app/process/log.hpp"
#include "app/process/machine.hpp"
#include "app/process/privileges.hpp"
#include "app/process/process_options.hpp"
#include "app/replication_options.hpp"
#include "app/restart/memory_file_options.hpp"
#include "app/sessions/session_options.hpp"
#include "app/start_files.hpp"
#include "replication/registry.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace twincached::app {
namespace {

void warn_all(const std::vector<std::string>& sentences, const Warn& warn) {
    for (const auto& sentence : sentences)
        warn(sentence);
}

std::optional<std::string> obstacle_to(int access, const std::string& path) {
    if (::access(path.c_str(), access) == 0) return std::nullopt;
    return std::strerror(errno);
}

// Why no file could be made in the folder of this one, or be removed from it.
std::optional<std::string> obstacle_in_folder_of(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    return obstacle_to(W_OK | X_OK, folder.empty() ? "." : folder.string());
}

// Why no file of that name could be written; nothing if one could. It is not created.
std::optional<std::string> obstacle_to_writing(const std::string& path) {
    std::error_code unknown;  // what cannot be looked at is no folder, and its own folder says why
    if (std::filesystem::is_directory(path, unknown)) return std::strerror(EISDIR);
    if (::access(path.c_str(), F_OK) == 0) return obstacle_to(W_OK, path);
    return obstacle_in_folder_of(path);
}

void require_writable(std::string_view option, const std::string& path) {
    if (path.empty()) return;
    if (const auto obstacle = obstacle_to_writing(path))
        throw std::runtime_error(fmt::format("{}: cannot write {}: {}", option, path, *obstacle));
}

// It is removed at the start and made anew at the end.
void require_replaceable(std::string_view option, const std::string& path) {
    require_writable(option, path);
    const auto obstacle = path.empty() ? std::nullopt : obstacle_in_folder_of(path);
    if (!obstacle) return;
    throw std::runtime_error(
        fmt::format("{}: the folder of {} cannot be written: {}", option, path, *obstacle));
}

void require_port(std::string_view option, std::int64_t port) {
    if (may_listen_at(port)) return;
    throw std::runtime_error(fmt::format("{}: this user may not listen at port {}: {}", option,
                                         port, std::strerror(EACCES)));
}

}  // namespace

void check_start(const Options& options, const Warn& warn) {
    const auto machine = this_machine();
    const auto& process = options.get<ProcessOptions>();
    const auto& listeners = options.get<ListenerOptions>();
    const auto files = read_start_files(options);
    warn_all(config_warnings(options, machine), warn);
    const auto identity = identity_to_assume(process);
    raise_limits(process, {listeners.connections, options.get<SessionOptions>().threads});
    require_writable("pid-file (-P)", process.pid_file);
    if (identity) assume(*identity);
    require_writable("log-file", options.get<LogOptions>().file);
    const auto& endpoint = options.get<EndpointOptions>();
    // Without it the node starts, and says so at the first change.
    const auto& history = endpoint.history_file;
    if (const auto obstacle = history.empty() ? std::nullopt : obstacle_to_writing(history)) {
        warn(
            fmt::format("history-file: cannot write {}: {}: changes of the primary would be kept "
                        "in memory alone",
                        history, *obstacle));
    }
    require_writable("unix-socket (-s)", listeners.unix_socket);
    require_replaceable("file of [memory] (-e)", options.get<MemoryFileOptions>().path);
    require_port("udp-port (-U)", listeners.udp_port);
    warn_all(absent_listeners(listeners), warn);
    for (const auto& text : endpoint.listen)
        require_writable("listen of [admin]", parse_admin_place(text)->path);
    for (const auto& text : endpoint.agent_listen)
        require_writable("agent-listen of [admin]", parse_admin_place(text)->path);
    warn_all(absent_listeners(endpoint), warn);
    PasswordFiles(nullptr, nullptr).load(options.get<PasswordOptions>(), files.passwords);
    const auto setup = replication_setup(options, files);
    (void)replication::make_replicator(replication::replicator_factories(), setup, {});
    warn_all(warnings_of_parts(options, machine, files, std::time(nullptr)), warn);
    warn_all(replication::warnings_from_outside(replication::replicator_factories(), setup), warn);
}

}  // namespace twincached::app

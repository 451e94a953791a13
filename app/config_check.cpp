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
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

void warn_all(const std::vector<std::string>& sentences, const Warn& warn) {
    for (const auto& sentence : sentences)
        warn(sentence);
}

// Why no file of that name could be written; nothing if one could. It is not created.
std::optional<std::string> obstacle_to_writing(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    const auto reason = [] { return std::string(std::strerror(errno)); };
    if (std::filesystem::is_directory(path)) return std::strerror(EISDIR);
    if (::access(path.c_str(), F_OK) == 0) {
        return ::access(path.c_str(), W_OK) == 0 ? std::nullopt : std::optional(reason());
    }
    const auto* place = folder.empty() ? "." : folder.c_str();
    return ::access(place, W_OK | X_OK) == 0 ? std::nullopt : std::optional(reason());
}

void require_writable(std::string_view option, const std::string& path) {
    if (path.empty()) return;
    if (const auto obstacle = obstacle_to_writing(path))
        throw std::runtime_error(fmt::format("{}: cannot write {}: {}", option, path, *obstacle));
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
    require_writable("history-file", options.get<EndpointOptions>().history_file);
    require_writable("unix-socket (-s)", listeners.unix_socket);
    warn_all(absent_listeners(listeners), warn);
    const auto& endpoint = options.get<EndpointOptions>();
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
    // Without it the node starts, and says that items will not survive.
    const auto& memory_file = options.get<MemoryFileOptions>().path;
    const auto obstacle = memory_file.empty() ? std::nullopt : obstacle_to_writing(memory_file);
    if (obstacle) {
        warn(fmt::format(
            "file of [memory] (-e): cannot write {}: {}: items will not survive a restart",
            memory_file, *obstacle));
    }
}

}  // namespace twincached::app

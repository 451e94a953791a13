#include "app/config_check.hpp"

#include "app/config_warnings.hpp"
#include "app/endpoint/entry/admin_listeners.hpp"
#include "app/endpoint/entry/endpoint_options.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/listeners/listening_socket.hpp"
#include "app/listeners/place_trials.hpp"
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

#include <sys/stat.h>
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
#include <utility>
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

// What may stand where something is to be written.
enum class Found : std::uint8_t { anything, plain_file, socket };

std::optional<std::string> obstacle_at(const struct stat& found, const std::string& path,
                                       Found wanted) {
    if (wanted == Found::socket && !S_ISSOCK(found.st_mode)) return "it exists and is no socket";
    if (S_ISDIR(found.st_mode)) return std::strerror(EISDIR);
    if (wanted == Found::plain_file && !S_ISREG(found.st_mode)) return "it is no plain file";
    return obstacle_to(W_OK, path);
}

// Why no file of that name could be written; nothing if one could. It is not created.
std::optional<std::string> obstacle_to_writing(const std::string& path, Found wanted) {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) return obstacle_at(found, path, wanted);
    if (errno != ENOENT) return std::strerror(errno);
    const auto folder = std::filesystem::path(path).parent_path();
    std::error_code is_no_link;
    const auto target = std::filesystem::read_symlink(path, is_no_link);
    // Of a link to nothing the target would be made.
    if (!is_no_link) return obstacle_to_writing((folder / target).string(), wanted);
    return obstacle_in_folder_of(path);
}

void require_writable(std::string_view option, const std::string& path,
                      Found wanted = Found::anything) {
    if (path.empty()) return;
    if (const auto obstacle = obstacle_to_writing(path, wanted))
        throw std::runtime_error(fmt::format("{}: cannot write {}: {}", option, path, *obstacle));
}

// A file that is written beside itself under another name first, and then takes the old one's
// place.
std::optional<std::string> obstacle_to_replacing(const std::string& path) {
    for (const auto* ending : {"", ".new"}) {
        const auto name = path + ending;
        if (const auto obstacle = obstacle_to_writing(name, Found::plain_file))
            return fmt::format("cannot write {}: {}", name, *obstacle);
    }
    const auto obstacle = obstacle_in_folder_of(path);
    if (!obstacle) return std::nullopt;
    return fmt::format("the folder of {} cannot be written: {}", path, *obstacle);
}

void require_replaceable(std::string_view option, const std::string& path) {
    const auto obstacle = path.empty() ? std::nullopt : obstacle_to_replacing(path);
    if (obstacle) throw std::runtime_error(fmt::format("{}: {}", option, *obstacle));
}

// Beside a unix socket stands its lock, and it appears under another name first.
void require_socket_place(const std::string& option, const std::string& path, PlaceTrials& trials) {
    if (path.empty()) return;
    trials.try_unix(option, path);
    require_writable(option, path, Found::socket);
    require_writable(option, path + ".lock", Found::plain_file);
    if (const auto obstacle = obstacle_in_folder_of(path)) {
        throw std::runtime_error(
            fmt::format("{}: the folder of {} cannot be written: {}", option, path, *obstacle));
    }
    const auto first = unopened_path(path);
    if (!std::filesystem::is_directory(first)) return;
    throw std::runtime_error(
        fmt::format("{}: {} is in the way: {}", option, first, std::strerror(EISDIR)));
}

void require_link_place(const replication::ListeningPlace& place, ListenerPlaces::Bind try_tcp) {
    ListenerPlaces places(SOCK_STREAM, std::move(try_tcp));
    places.add(place.option, place.at.host, place.at.port.value_or(0));
    (void)places.finish();
}

void require_port(std::string_view option, std::int64_t port) {
    if (may_listen_at(port)) return;
    throw std::runtime_error(fmt::format("{}: this user may not listen at port {}: {}", option,
                                         port, std::strerror(EACCES)));
}

// Who made it was root; who removes it is the user of -u.
void warn_of_pid_file(const std::string& path, const Warn& warn) {
    const auto obstacle = path.empty() ? std::nullopt : obstacle_in_folder_of(path);
    if (!obstacle) return;
    warn(
        fmt::format("pid-file (-P): {} would stay behind, empty, at a stop: {}; a folder that "
                    "belongs to the user of -u lets it be removed",
                    path, *obstacle));
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
    require_writable("pid-file (-P)", process.pid_file, Found::plain_file);
    if (identity) assume(*identity);
    warn_of_pid_file(process.pid_file, warn);
    PlaceTrials trials;
    const auto try_tcp = [&](const PlaceAddress& at) { trials.try_tcp(at); };
    require_writable("log-file", options.get<LogOptions>().file);
    const auto& endpoint = options.get<EndpointOptions>();
    // Without it the node starts, and says so at the first change.
    const auto& history = endpoint.history_file;
    if (const auto obstacle = history.empty() ? std::nullopt : obstacle_to_replacing(history)) {
        warn(fmt::format("history-file: {}: changes of the primary would be kept in memory alone",
                         *obstacle));
    }
    require_socket_place("unix-socket (-s)", listeners.unix_socket, trials);
    require_replaceable("file of [memory] (-e)", options.get<MemoryFileOptions>().path);
    require_port("udp-port (-U)", listeners.udp_port);
    warn_all(absent_listeners(listeners, try_tcp), warn);
    for (const auto& text : endpoint.listen)
        require_socket_place("listen of [admin]", parse_admin_place(text)->path, trials);
    warn_all(absent_listeners(endpoint, try_tcp), warn);
    PasswordFiles(nullptr, nullptr).load(options.get<PasswordOptions>(), files.passwords);
    const auto setup = replication_setup(options, files);
    (void)replication::make_replicator(replication::replicator_factories(), setup, {});
    if (const auto link = replication::listening_place(replication::replicator_factories(), setup))
        require_link_place(*link, try_tcp);
    warn_all(warnings_of_parts(options, machine, files, std::time(nullptr)), warn);
    warn_all(replication::warnings_from_outside(replication::replicator_factories(), setup), warn);
}

}  // namespace twincached::app

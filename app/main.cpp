// The program: reads options, does what they ask, and runs the server on this thread. The only
// place that catches exceptions.
#include "app/build_line.hpp"
#include "app/config_check.hpp"
#include "app/config_warnings.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/logins/password_files.hpp"
#include "app/options/action_options.hpp"
#include "app/options/command_line.hpp"
#include "app/options/manual_printing.hpp"
#include "app/options/option_printing.hpp"
#include "app/output/standard_streams.hpp"
#include "app/process/daemon.hpp"
#include "app/process/license.hpp"
#include "app/process/log.hpp"
#include "app/process/machine.hpp"
#include "app/process/pid_file.hpp"
#include "app/process/privileges.hpp"
#include "app/process/process_options.hpp"
#include "app/replication_options.hpp"
#include "app/server.hpp"
#include "app/server_options.hpp"
#include "app/sessions/session_options.hpp"
#include "app/start_files.hpp"
#include "storage/store_options.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace twincached::app {
namespace {

int print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

int complain(const std::vector<Problem>& problems) {
    for (const auto& problem : problems)
        std::fprintf(stderr, "%s\n", problem.message.c_str());
    return lib::exit_usage;
}

// The options as they would be read now.
Reload::ReadAgain reader_of(std::vector<std::string> arguments, std::filesystem::path directory) {
    return [arguments = std::move(arguments), directory = std::move(directory)] {
        OptionReader reader(server_option_table(), directory.string());
        read_command_line(arguments, reader);
        FreshOptions fresh{reader.options(), reader.problems(), reader.overruled()};
        fresh.options.make_paths_absolute(directory);
        return fresh;
    };
}

int serve(const Options& options, const std::vector<std::string>& remarks,
          Reload::ReadAgain read_again, bool is_stderr_read) {
    std::signal(SIGPIPE, SIG_IGN);
    // A file that may not grow any more (ulimit -f) is like a full disk: writing fails.
    std::signal(SIGXFSZ, SIG_IGN);
    const auto& process = options.get<ProcessOptions>();
    const auto files = read_start_files(options);
    const auto warnings = config_warnings(options, this_machine());
    const auto identity = identity_to_assume(process);
    raise_limits(process, {options.get<ListenerOptions>().connections,
                           options.get<SessionOptions>().threads});
    Daemon daemon(process.daemon);
    std::optional<PidFile> pid_file;
    if (!process.pid_file.empty()) pid_file.emplace(process.pid_file);
    if (identity) {
        if (pid_file) pid_file->give_to(identity->user, identity->group);
        assume(*identity);
    }
    auto logging = options.get<LogOptions>();
    // memcached's -d keeps the terminal when -v asks for talk.
    logging.quiet_stderr = !is_stderr_read || (process.daemon && logging.verbosity == 0);
    Log log(logging);
    for (const auto& remark : remarks)
        log.warning("{}", remark);
    for (const auto& warning : warnings)
        log.warning("{}", warning);
    for (const auto& path : files_lost(options, files))
        log.warning(
            "{} cannot be read again by user {}: SIGHUP will leave in force what it said "
            "at the start",
            path, process.user);
    if (process.lock_memory) {
        const auto items = options.get<storage::StoreOptions>().memory_limit_bytes;
        if (const auto problem = lock_memory(items)) log.warning("{}", *problem);
    }
    if (options.get<storage::StoreOptions>().huge_pages) {
        if (const auto problem = huge_pages_problem()) log.warning("{}", *problem);
    }
    bool is_started = false;
    const auto started = [&] {
        is_started = true;
        daemon.report_started(logging.quiet_stderr);
    };
    const auto abandon = [&] {
        if (!pid_file) return;
        if (const auto problem = pid_file->remove()) log.warning("{}", *problem);
    };
    try {
        Server(options, files, log, std::move(read_again)).run(started, abandon);
        abandon();
    } catch (const std::exception& error) {
        // Nobody may be left to read stderr.
        if (is_started) log.error("ended: {}", error.what());
        throw;
    }
    return 0;
}

// Warnings are no errors.
int check(const Options& options, const std::vector<std::string>& remarks) {
    const auto warn = [](const std::string& sentence) {
        std::fprintf(stderr, "warning: %s\n", sentence.c_str());
    };
    for (const auto& remark : remarks)
        warn(remark);
    check_start(options, warn);
    return print("the options are valid\n");
}

// A thread that cannot be started says no more than that something is unavailable for now.
const char* hint_at(const std::system_error& error) noexcept {
    if (error.code() != std::errc::resource_unavailable_try_again) return "";
    return ": a thread cannot be started; this process may have no more of them (ulimit -u, "
           "TasksMax= of the unit), or no address space for one (ulimit -v, LimitAS=)";
}

std::string version_text() {
    return "twincached " TWINCACHED_VERSION " (memcached 1.6.45)\n" + build_line();
}

int run(const std::vector<std::string>& arguments, bool is_stderr_read) {
    const auto& table = server_option_table();
    OptionReader reader(table);
    read_command_line(arguments, reader);
    const auto& asked = reader.options().get<Actions>();
    if (asked.help) return print(help_text(table));
    if (asked.version) return print(version_text());
    if (asked.license) return print(license_text);
    if (asked.print_default_config) return print(default_config_text(table));
    if (asked.print_manual == "flags") return print(manual_of_flags(table));
    if (asked.print_manual == "keys") return print(manual_of_keys(table));
    if (!reader.problems().empty()) return complain(reader.problems());
    auto options = reader.options();
    if (asked.print_config) return print(explained_config_text(reader));
    const auto directory = std::filesystem::current_path();
    options.make_paths_absolute(directory);
    if (asked.check_config) return check(options, reader.remarks());
    return serve(options, reader.remarks(), reader_of(arguments, directory), is_stderr_read);
}

}  // namespace
}  // namespace twincached::app

int main(int argc, char** argv) {
    using namespace twincached::app;
    const bool is_stderr_read = hold_standard_streams();
    try {
        return run({argv + 1, argv + argc}, is_stderr_read);
    } catch (const StartError& error) {
        std::fprintf(stderr, "%s\n", error.message.c_str());
        return error.exit_code;
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "twincached: %s%s\n", error.what(), hint_at(error));
        return exit_system;
    } catch (const std::bad_alloc&) {
        std::fputs(
            "twincached: there is no memory for a start with these options; the process may not "
            "have more (ulimit -v, LimitAS= of the unit, its control group)\n",
            stderr);
        return exit_system;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "twincached: %s\n", error.what());
        return exit_system;
    }
}

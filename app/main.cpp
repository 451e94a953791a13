// The program: reads options, does what they ask, and runs the server on this thread. The only
// place that catches exceptions.
#include "app/options/command_line.hpp"
#include "app/options/option_printing.hpp"
#include "app/options/option_value.hpp"
#include "app/process/certificates.hpp"
#include "app/process/daemon.hpp"
#include "app/process/license.hpp"
#include "app/process/log.hpp"
#include "app/process/pid_file.hpp"
#include "app/process/privileges.hpp"
#include "app/server.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

bool is_asked(const Options& options, const char* what) {
    const auto found = options.reported.find(what);
    return found != options.reported.end() && found->second == "yes";
}

int print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

int complain(const std::vector<Problem>& problems) {
    for (const auto& problem : problems)
        std::fprintf(stderr, "%s\n", problem.message.c_str());
    return problems.front().exit_code;
}

// What is named relative to where we were started stays there when the daemon moves to "/".
void make_absolute(Options& options, const std::filesystem::path& directory) {
    for (auto* path :
         {&options.pid_file, &options.unix_socket, &options.log_file, &options.secret_file,
          &options.auth_file, &options.sasl_file, &options.memory_file, &options.tls_chain_cert,
          &options.tls_key, &options.tls_ca_cert, &options.link_certificate, &options.link_key,
          &options.link_ca}) {
        if (!path->empty()) *path = (directory / *path).string();
    }
}

// The options as they would be read now.
Reload::ReadAgain reader_of(std::vector<std::string> arguments, std::filesystem::path directory) {
    return [arguments = std::move(arguments), directory = std::move(directory)] {
        OptionReader reader(directory.string());
        read_command_line(arguments, reader);
        FreshOptions fresh{reader.options(), reader.problems()};
        make_absolute(fresh.options, directory);
        return fresh;
    };
}

int serve(Options options, const std::vector<std::string>& remarks, Reload::ReadAgain read_again) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto certificates = load_certificates(options);
    const auto identity = identity_to_assume(options);
    raise_limits(options);
    Daemon daemon(options.daemon);
    std::optional<PidFile> pid_file;
    if (!options.pid_file.empty()) pid_file.emplace(options.pid_file);
    if (identity) {
        if (pid_file) pid_file->give_to(identity->user, identity->group);
        assume(*identity);
    }
    // memcached's -d keeps the terminal when -v asks for talk.
    const bool is_quiet = options.daemon && options.verbosity == 0;
    Log log({options.verbosity, options.log_file, options.syslog, is_quiet});
    for (const auto& remark : remarks)
        log.warning("{}", remark);
    for (const auto& path : files_lost(certificates))
        log.warning("{} cannot be read again by user {}: no reload will succeed", path,
                    options.user);
    if (options.lock_memory) {
        if (const auto problem = lock_memory()) log.warning("{}", *problem);
    }
    if (options.huge_pages) {
        if (const auto problem = huge_pages_problem()) log.warning("{}", *problem);
    }
    bool is_started = false;
    const auto started = [&] {
        is_started = true;
        daemon.report_started(is_quiet);
    };
    const auto abandon = [&] {
        if (pid_file) pid_file->remove();
    };
    try {
        Server(options, certificates, log, std::move(read_again)).run(started, abandon);
    } catch (const std::exception& error) {
        // Nobody may be left to read stderr.
        if (is_started) log.error("ended: {}", error.what());
        throw;
    }
    return 0;
}

int run(const std::vector<std::string>& arguments) {
    OptionReader reader;
    read_command_line(arguments, reader);
    const auto& options = reader.options();
    if (is_asked(options, "help")) return print(help_text());
    if (is_asked(options, "version"))
        return print("twincached " TWINCACHED_VERSION " (memcached 1.6.45)\n");
    if (is_asked(options, "license")) return print(license_text);
    if (is_asked(options, "print-default-config")) return print(default_config_text());
    if (!reader.problems().empty()) return complain(reader.problems());
    if (is_asked(options, "print-config")) return print(config_text(options));
    if (is_asked(options, "check-config")) {
        PasswordFiles(nullptr, nullptr).load(options);
        load_certificates(options);
        return print("the options are valid\n");
    }
    const auto directory = std::filesystem::current_path();
    auto effective = options;
    make_absolute(effective, directory);
    return serve(std::move(effective), reader.remarks(), reader_of(arguments, directory));
}

}  // namespace
}  // namespace twincached::app

int main(int argc, char** argv) {
    using namespace twincached::app;
    try {
        return run({argv + 1, argv + argc});
    } catch (const StartError& error) {
        std::fprintf(stderr, "%s\n", error.message.c_str());
        return error.exit_code;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "twincached: %s\n", error.what());
        return exit_system;
    }
}

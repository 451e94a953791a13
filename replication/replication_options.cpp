#include "replication/replication_options.hpp"

#include "lib/input/text_file.hpp"
#include "replication/ack_gate.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace twincached::replication {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr double seconds = 1000;

constexpr std::array rows = {
    lib::OptionRow{.section = "replication",
                   .key = "cluster",
                   .flag = "cluster",
                   .fills = lib::fills<&ReplicationOptions::cluster>,
                   .initial = "twincached",
                   .help = "Name of the pair; nodes of different names refuse each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret",
                   .fills = lib::fills<&ReplicationOptions::secret>,
                   .initial = "",
                   .secret = true,
                   .help = "What both nodes know and nobody else: proves them to each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret-file",
                   .flag = "secret-file",
                   .fills = lib::fills<&ReplicationOptions::secret_file>,
                   .initial = "",
                   .path = true,
                   .help = "A file with the secret in its first line, instead of `secret`."},
    lib::OptionRow{
        .section = "replication",
        .key = "ack",
        .flag = "ack",
        .fills = lib::fills<&ReplicationOptions::ack>,
        .initial = "async",
        .choices = "async|received",
        .help = "When a change is answered. async: at once; received: when the other node has it."},
    lib::OptionRow{.section = "replication",
                   .key = "ack-timeout",
                   .flag = "ack-timeout",
                   .fills = lib::fills<&AckGate::Options::timeout>,
                   .initial = "50ms",
                   .least = 1,
                   .most = 60 * seconds,
                   .help = "How long an answer waits with ack = received; then none does until the "
                           "link is well again."},
    lib::OptionRow{.section = "replication",
                   .key = "ack-required",
                   .flag = "ack-required",
                   .fills = lib::fills<&AckGate::Options::required>,
                   .initial = "no",
                   .bare = true,
                   .help = "Answer a change that the other node did not confirm with an error."},
    lib::OptionRow{.section = "replication",
                   .key = "log-memory",
                   .flag = "log-memory",
                   .fills = lib::fills_bytes<&ReplicationOptions::log_memory_bytes>,
                   .initial = "64m",
                   .least = 64.0 * kib,
                   .help = "Memory for changes that the other node has not confirmed yet."},
    lib::OptionRow{.section = "replication",
                   .key = "drain-timeout",
                   .flag = "drain-timeout",
                   .fills = lib::fills<&ReplicationOptions::drain_timeout>,
                   .initial = "5s",
                   .most = 3600 * seconds,
                   .help = "How long a stop waits for the other node to receive the last changes."},
};

}  // namespace

std::span<const lib::OptionRow> option_rows() noexcept {
    return rows;
}

std::vector<lib::OptionProblem> problems_of(const lib::OptionStructs& options) {
    const auto& chosen = options.get<ReplicationOptions>();
    std::vector<lib::OptionProblem> problems;
    const auto complain = [&](std::string_view key, std::string message) {
        problems.push_back({"replication", key, std::move(message)});
    };
    if (!chosen.secret.empty() && !chosen.secret_file.empty()) {
        complain("secret-file", "secret and secret-file are both set: take one of them");
    }
    if (options.get<AckGate::Options>().required && chosen.ack != AckMode::received) {
        complain("ack-required",
                 "ack-required (--ack-required) needs ack = received (--ack=received)");
    }
    return problems;
}

lib::Parsed<std::string> secret_of(const ReplicationOptions& options) {
    const auto result = [](bool is_good, std::string text) {
        using Result = lib::Parsed<std::string>;
        return is_good ? Result(boost::system::in_place_value, std::move(text))
                       : Result(boost::system::in_place_error, std::move(text));
    };
    const auto& path = options.secret_file;
    if (path.empty()) return result(true, options.secret);
    const auto content = lib::read_text_file(path);
    if (content.has_error())
        return result(false,
                      "secret-file: cannot read a secret from " + path + ": " + content.error());
    auto line = content->substr(0, content->find('\n'));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) return result(false, "secret-file: the secret in " + path + " is empty");
    return result(true, std::move(line));
}

}  // namespace twincached::replication

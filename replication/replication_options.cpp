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
                   .reloaded_by = "secrets",
                   .help = "What both nodes know and nobody else: proves them to each other."},
    lib::OptionRow{.section = "replication",
                   .key = "secret-file",
                   .flag = "secret-file",
                   .fills = lib::fills<&ReplicationOptions::secret_file>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "secrets",
                   .help = "A file with the secret in its first line, instead of `secret`."},
    lib::OptionRow{.section = "replication",
                   .key = "old-secret-file",
                   .flag = "old-secret-file",
                   .fills = lib::fills<&ReplicationOptions::old_secret_file>,
                   .initial = "",
                   .path = true,
                   .reloaded_by = "secrets",
                   .used_by = "pair",
                   .help = "A file with the secret of before: while it is named, the node knows "
                           "both, so that\nthe secret is exchanged on one node after the other."},
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
                   .key = "arbitrate",
                   .flag = "arbitrate",
                   .fills = lib::fills<&ArbitrationDesk::Options::mode>,
                   .initial = "off",
                   .choices = "off|conditional|all",
                   .reloaded_by = "replication",
                   .used_by = "pair",
                   .help =
                       "Which changes the primary decides for clients of both nodes, while they "
                       "are linked: none;\nthose that depend on what is there (add, incr, cas "
                       "and the like); all of one key."},
    lib::OptionRow{.section = "replication",
                   .key = "arbitrate-timeout",
                   .flag = "arbitrate-timeout",
                   .fills = lib::fills<&ArbitrationDesk::Options::timeout>,
                   .initial = "1s",
                   .least = 10,
                   .most = 60 * seconds,
                   .used_by = "pair",
                   .help = "How long a client waits for that; then nobody can tell it what became "
                           "of its change."},
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

lib::Parsed<std::string> refused(std::string sentence) {
    return lib::Parsed<std::string>(boost::system::in_place_error, std::move(sentence));
}

// The first line of the file.
lib::Parsed<std::string> secret_in(const std::string& option, const std::string& path) {
    const auto content = lib::read_text_file(path);
    if (content.has_error())
        return refused(option + ": cannot read a secret from " + path + ": " + content.error());
    auto line = content->substr(0, content->find('\n'));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) return refused(option + ": the secret in " + path + " is empty");
    return lib::Parsed<std::string>(boost::system::in_place_value, std::move(line));
}

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
    const bool has_secret = !chosen.secret.empty() || !chosen.secret_file.empty();
    if (!chosen.old_secret_file.empty() && !has_secret) {
        complain("old-secret-file",
                 "old-secret-file is what went before a secret: it needs secret-file or secret");
    }
    if (options.get<AckGate::Options>().required && chosen.ack != AckMode::received) {
        complain("ack-required",
                 "ack-required (--ack-required) needs ack = received (--ack=received)");
    }
    return problems;
}

lib::Parsed<Secrets> secrets_of(const ReplicationOptions& options) {
    using Read = lib::Parsed<Secrets>;
    Secrets secrets;
    secrets.current = options.secret;
    if (!options.secret_file.empty()) {
        auto current = secret_in("secret-file", options.secret_file);
        if (current.has_error()) return Read(boost::system::in_place_error, current.error());
        secrets.current = std::move(*current);
    }
    if (!options.old_secret_file.empty()) {
        auto old = secret_in("old-secret-file", options.old_secret_file);
        if (old.has_error()) return Read(boost::system::in_place_error, old.error());
        secrets.old = std::move(*old);
    }
    return Read(boost::system::in_place_value, std::move(secrets));
}

}  // namespace twincached::replication

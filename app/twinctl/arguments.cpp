#include "app/twinctl/arguments.hpp"

#include "app/twinctl/check.hpp"
#include "lib/durations.hpp"
#include "lib/input/text_file.hpp"

#include <boost/program_options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <initializer_list>
#include <sstream>
#include <utility>

namespace twincached::app {
namespace {

namespace po = boost::program_options;
using std::chrono::milliseconds;
using Words = std::vector<std::string>;

constexpr std::array orders{"drain", "undrain", "promote", "switchover", "resync", "log-level"};

struct CommandRow {
    std::string_view name;
    std::string_view shown;  // with its words
    std::string_view help;   // without an end of its last line
};

constexpr std::array commands{
    CommandRow{"status", "status", "all nodes on one screen"},
    CommandRow{"top", "top", "what they do, anew each second"},
    CommandRow{"check", "check [ready]",
               "exit 0 if clients may come, 1 if not, and a line that says why"},
    CommandRow{"check", "check primary|secondary|synchronised", "the same for these"},
    CommandRow{"explain", "explain", "the last change of the primary, in words"},
    CommandRow{"migrate", "migrate status",
               "which step of the way from repcached is reached, what is safe\n"
               "to do next, and the way back"},
    CommandRow{"watch", "watch", "what the nodes log, as it happens"},
    CommandRow{"digest", "digest",
               "do two nodes hold the same? exit 0 yes, 1 no (and which\n"
               "keys), 2 they could not be compared"},
    CommandRow{"doctor", "doctor",
               "the usual mistakes of nodes, machine and HAProxy (--haproxy\n"
               "FILE), and what to do; exit 1 if something is wrong"},
    CommandRow{"keys", "keys", "the keys that a node keeps (--prefix, --limit)"},
    CommandRow{"dump", "dump", "all items of a node, a line each, for load"},
    CommandRow{"load", "load --to HOST:PORT", "puts a dump (standard input) into a server"},
    CommandRow{"drain", "drain", "not ready for balancers, connections go on"},
    CommandRow{"undrain", "undrain", "and ready again"},
    CommandRow{"promote", "promote", "make this node the primary now"},
    CommandRow{"switchover", "switchover",
               "make the other node of the two the primary, once it has all"},
    CommandRow{"resync", "resync", "compare all items with the other node again"},
    CommandRow{"log-level", "log-level info|debug|trace",
               "how much is logged, until the next start"},
};

const CommandRow* find_command(std::string_view name) noexcept {
    const auto* const found = std::find_if(commands.begin(), commands.end(),
                                           [&](const auto& row) { return row.name == name; });
    return found == commands.end() ? nullptr : found;
}

// "status, top and check"
std::string command_names() {
    std::string text;
    for (std::size_t i = 0; i < commands.size(); ++i) {
        if (i > 0 && commands[i].name == commands[i - 1].name) continue;
        const bool is_last = i + 1 == commands.size();
        text += fmt::format("{}{}", i == 0 ? "" : is_last ? " and " : ", ", commands[i].name);
    }
    return text;
}

// Each command and, in a column of their own, the lines of its help.
std::string command_help() {
    constexpr int column = 26;
    std::string text;
    for (const auto& row : commands) {
        auto rest = row.help;
        auto begin = fmt::format("  {:<{}}", row.shown, column - 2);
        if (row.shown.size() + 3 > column) begin += fmt::format("\n{:<{}}", "", column);
        while (!rest.empty()) {
            const auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            text += fmt::format("{}{}\n", begin, line);
            begin = fmt::format("{:<{}}", "", column);
        }
    }
    return text;
}

// What --help shows, in the order in which it is needed.
po::options_description visible() {
    po::options_description options("Options", 100);
    auto add = options.add_options();
    add("host", po::value<Words>()->composing()->value_name("HOST:PORT"),
        "ask the node at this port (listen of [admin]); repeat it for more nodes");
    add("socket", po::value<Words>()->composing()->value_name("PATH"),
        "ask the node at this unix socket; repeat it for more nodes");
    add("pid", po::value<std::vector<unsigned>>()->composing()->value_name("N"),
        "ask the node of this machine with that process id");
    add("ca", po::value<std::string>()->value_name("FILE"),
        "speak TLS to every --host and --to; FILE has who signs their certificates, PEM");
    add("token-file", po::value<std::string>()->value_name("FILE"),
        "with --ca: show the token in FILE's first line, to give orders and read items");
    add("login-file", po::value<std::string>()->value_name("FILE"),
        "load: log in as FILE's first line says, user:password");
    add("json", "answer for programs");
    add("timeout", po::value<std::string>()->value_name("TIME"),
        "how long a node may take to answer (2s)");
    add("lag", po::value<std::string>()->value_name("TIME"),
        "check synchronised: no further behind than this");
    add("weight", "check: exit with a weight for keepalived's misc_dynamic");
    add("interval", po::value<std::string>()->value_name("TIME"),
        "top, watch: between two looks (1s)");
    add("count", po::value<std::uint64_t>()->value_name("N"),
        "top, watch: end after so many looks");
    add("prefix", po::value<std::string>()->value_name("TEXT"),
        "keys, dump: of the items whose keys begin so");
    add("limit", po::value<std::uint64_t>()->value_name("N"),
        "keys, dump: so many items at most; digest: list the keys of so many buckets (64)");
    add("hot", "keys: the hottest, as far as hot-keys of [commands] counts them");
    add("haproxy", po::value<std::string>()->value_name("FILE"),
        "doctor: look at this configuration, too");
    add("to", po::value<std::string>()->value_name("HOST:PORT"),
        "load: where clients reach the server; also the path of a unix socket");
    add("only-new", "load: keep what the server has already");
    add("help,h", "show this");
    add("version,V", "show the version");
    return options;
}

// Throws po::error with a sentence of its own.
po::variables_map read(const Words& words) {
    po::options_description all;
    all.add(visible()).add_options()("words", po::value<Words>());
    po::positional_options_description positions;
    positions.add("words", -1);
    po::variables_map values;
    // A shortened option of today could be two of tomorrow.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(words).options(all).positional(positions).style(style).run(),
              values);
    po::notify(values);
    return values;
}

Words list_of(const po::variables_map& values, const char* name) {
    return values.count(name) == 0 ? Words{} : values[name].as<Words>();
}

// A sentence if it is wrong.
std::string take_time(const po::variables_map& values, const char* name, milliseconds& to) {
    if (values.count(name) == 0) return {};
    const auto& text = values[name].as<std::string>();
    const auto time = lib::parse_duration(text);
    const bool has_unit = text.ends_with('s') || text.ends_with('m') || text.ends_with('h');
    if (time.has_error() || !has_unit || *time <= milliseconds(0))
        return fmt::format("--{} {}: write a time with its unit, such as 500ms or 2s", name, text);
    to = *time;
    return {};
}

std::string take_level(const Words& words, Arguments& to) {
    if (words.size() == 2) to.level = words[1];
    const bool is_known = to.level == "info" || to.level == "debug" || to.level == "trace";
    return is_known ? std::string() : "log-level: say which: info, debug or trace";
}

std::string take_words(const Words& words, Arguments& to) {
    if (words.empty())
        return fmt::format("a command is needed: {}; twinctl --help says more", command_names());
    to.command = words[0];
    if (find_command(to.command) == nullptr)
        return fmt::format("'{}' is no command: there are {}", to.command, command_names());
    if (to.command == "log-level") return take_level(words, to);
    if (to.command == "migrate") {
        const bool is_known = words.size() == 2 && words[1] == "status";
        return is_known ? std::string() : "migrate: it can tell its status: twinctl migrate status";
    }
    if (words.size() == 1) return {};
    if (to.command != "check" || words.size() > 2)
        return fmt::format("'{}' is one word too many", words.back());
    to.check = words[1];
    if (is_checkable(to.check)) return {};
    return fmt::format("'{}' cannot be checked: there are ready, primary, secondary, synchronised",
                       to.check);
}

// An option that would be passed over is a mistake.
std::string take_of_items(const po::variables_map& values, Arguments& to) {
    const auto is_for = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), to.command) != names.end();
    };
    if (values.count("prefix") != 0) to.prefix = values["prefix"].as<std::string>();
    if (values.count("limit") != 0) to.limit = values["limit"].as<std::uint64_t>();
    to.only_new = values.count("only-new") != 0;
    if (values.count("haproxy") != 0) to.haproxy = values["haproxy"].as<std::string>();
    if (!to.haproxy.empty() && !is_for({"doctor"})) return "--haproxy goes with doctor alone";
    to.is_hot = values.count("hot") != 0;
    if (to.is_hot && !is_for({"keys"})) return "--hot goes with keys alone";
    if (to.is_hot && !to.prefix.empty()) return "--hot and --prefix do not go together";
    if (!to.prefix.empty() && !is_for({"keys", "dump"}))
        return "--prefix goes with keys and dump alone";
    if (to.limit != 0 && !is_for({"keys", "dump", "digest"}))
        return "--limit goes with keys, dump and digest alone";
    if ((to.only_new || values.count("to") != 0) && !is_for({"load"}))
        return "--to and --only-new go with load alone";
    if (!is_for({"load"})) return {};
    if (values.count("to") == 0) return "load needs --to HOST:PORT: where clients reach the server";
    auto server = parse_node_address(values["to"].as<std::string>());
    if (server.has_error()) return "--to: " + server.error();
    to.to = std::move(*server);
    return {};
}

std::string take_nodes(const po::variables_map& values, Arguments& to) {
    for (const auto* name : {"host", "socket"}) {
        for (const auto& text : list_of(values, name)) {
            auto node = parse_node_address(text);
            if (node.has_error()) return fmt::format("--{} {}: {}", name, text, node.error());
            const bool is_path = !node->unix_socket.empty();
            if (is_path != (std::string_view(name) == "socket")) {
                return fmt::format("--{} {}: write {}", name, text,
                                   is_path ? "host:port" : "the whole path of a unix socket");
            }
            to.nodes.push_back(std::move(*node));
        }
    }
    if (values.count("pid") != 0) {
        for (const auto process : values["pid"].as<std::vector<unsigned>>())
            to.nodes.push_back(local_node(process));
    }
    return {};
}

// The first line of the file that an option names; a sentence if there is none.
std::string take_line(const po::variables_map& values, const char* name, std::string& to) {
    const auto& path = values[name].as<std::string>();
    const auto content = lib::read_text_file(path);
    if (content.has_error()) return fmt::format("--{} {}: {}", name, path, content.error());
    to = content->substr(0, content->find_first_of("\r\n"));
    return to.empty() ? fmt::format("--{} {}: its first line is empty", name, path) : std::string();
}

// A token goes to nobody who has not shown by a certificate that it is his.
std::string take_secrets(const po::variables_map& values, Arguments& to) {
    const auto ca = values.count("ca") == 0 ? std::string() : values["ca"].as<std::string>();
    const auto is_tcp = [](const NodeAddress& node) { return node.unix_socket.empty(); };
    const bool has_tcp =
        std::any_of(to.nodes.begin(), to.nodes.end(), is_tcp) || (to.to && is_tcp(*to.to));
    if (!ca.empty() && !has_tcp) return "--ca goes with --host or --to HOST:PORT";
    std::string token;
    std::string problem;
    if (values.count("token-file") != 0) {
        if (ca.empty()) return "--token-file needs --ca: a token is shown by TLS alone";
        problem = take_line(values, "token-file", token);
    }
    for (auto& node : to.nodes) {
        if (!is_tcp(node)) continue;
        node.ca_file = ca;
        node.token = token;
    }
    if (to.to && is_tcp(*to.to)) to.to->ca_file = ca;
    if (problem.empty() && values.count("login-file") != 0) {
        if (to.command != "load") return "--login-file goes with load alone";
        problem = take_line(values, "login-file", to.login);
        const auto colon = to.login.find(':');
        if (problem.empty() && colon == std::string::npos)
            return "--login-file: its first line is no user:password";
        if (problem.empty()) to.login[colon] = ' ';
    }
    return problem;
}

std::string take_all(const po::variables_map& values, Arguments& to) {
    if (values.count("help") != 0 || values.count("version") != 0) {
        to.command = values.count("help") != 0 ? "help" : "version";
        return {};
    }
    auto problem = take_words(list_of(values, "words"), to);
    if (problem.empty()) problem = take_nodes(values, to);
    if (problem.empty()) problem = take_time(values, "timeout", to.timeout);
    if (problem.empty()) problem = take_time(values, "interval", to.interval);
    if (problem.empty()) problem = take_of_items(values, to);
    if (problem.empty()) problem = take_secrets(values, to);
    milliseconds lag{0};
    if (problem.empty()) problem = take_time(values, "lag", lag);
    if (lag > milliseconds(0)) to.lag = lag;
    if (problem.empty() && to.lag && to.check != "synchronised")
        problem = "--lag goes with check synchronised alone";
    to.is_json = values.count("json") != 0;
    to.is_weight = values.count("weight") != 0;
    if (values.count("count") != 0) to.rounds = values["count"].as<std::uint64_t>();
    return problem;
}

}  // namespace

// An order changes something; all others ask.
bool is_order(std::string_view command) noexcept {
    return std::find(orders.begin(), orders.end(), command) != orders.end();
}

lib::Parsed<Arguments> parse_arguments(const std::vector<std::string>& words) {
    try {
        Arguments arguments;
        const auto problem = take_all(read(words), arguments);
        if (!problem.empty()) return problem;
        return arguments;
    } catch (const po::error& error) {
        return std::string(error.what());
    }
}

std::string usage() {
    std::ostringstream options;
    options << visible();
    return fmt::format(
        "twinctl [options] command\n\n"
        "Asks twincached nodes how they are. Without --host or --socket: those of this machine.\n\n"
        "{}\nThe last six, and keys and dump, are for one node, asked at its unix socket by its "
        "user or root,\nor by --host, --ca and --token-file; so is watch, for any number.\n\n{}",
        command_help(), options.str());
}

}  // namespace twincached::app

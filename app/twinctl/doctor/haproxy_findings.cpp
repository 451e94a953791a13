#include "app/twinctl/doctor/haproxy_findings.hpp"

#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

using Weight = Finding::Weight;
using Words = std::vector<std::string_view>;

// Until '#', which begins a comment.
Words words_of(std::string_view line) {
    Words words;
    line = line.substr(0, line.find('#'));
    for (std::size_t begin = 0; (begin = line.find_first_not_of(" \t\r", begin)) != line.npos;) {
        const auto end = std::min(line.size(), line.find_first_of(" \t\r", begin));
        words.push_back(line.substr(begin, end - begin));
        begin = end;
    }
    return words;
}

// What a section says, with what it takes over.
struct Section {
    Words head;
    std::vector<Words> lines;

    bool is(std::string_view kind) const { return !head.empty() && head[0] == kind; }
    std::string name() const {
        return head.size() > 1 ? fmt::format("{} {}", head[0], head[1]) : std::string(head[0]);
    }
};

bool begins_section(std::string_view word) noexcept {
    for (const std::string_view kind :
         {"global", "defaults", "listen", "frontend", "backend", "peers", "resolvers", "userlist",
          "program", "mailers", "cache", "ring", "http-errors", "fcgi-app"}) {
        if (word == kind) return true;
    }
    return false;
}

std::vector<Section> sections_of(std::string_view text) {
    std::vector<Section> sections;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        auto words = words_of(line);
        if (words.empty()) continue;
        if (begins_section(words[0])) {
            sections.push_back({std::move(words), {}});
        } else if (!sections.empty()) {
            sections.back().lines.push_back(std::move(words));
        }
    }
    return sections;
}

bool begins(const Words& line, std::initializer_list<std::string_view> words) {
    return line.size() >= words.size() && std::equal(words.begin(), words.end(), line.begin());
}

// HAProxy's: a number with a unit, or of milliseconds.
std::optional<std::uint64_t> milliseconds_of(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::uint64_t milliseconds;
    };
    const auto end = text.find_first_not_of("0123456789");
    const auto number = lib::parse_number<std::uint64_t>(text.substr(0, end));
    if (!number) return std::nullopt;
    if (end == text.npos) return number;
    for (const auto& unit : {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                             Unit{"h", 3'600'000}, Unit{"d", 86'400'000}}) {
        if (text.substr(end) == unit.name) return *number * unit.milliseconds;
    }
    return text.substr(end) == "us" ? std::optional<std::uint64_t>(*number / 1000) : std::nullopt;
}

// One section's settings in force, the later ones last.
class Settings {
  public:
    Settings(const Section* defaults, const Section& own) {
        if (defaults != nullptr) lines_ = defaults->lines;
        lines_.insert(lines_.end(), own.lines.begin(), own.lines.end());
    }

    bool has_option(std::string_view name) const {
        bool is_on = false;
        for (const auto& line : lines_) {
            if (begins(line, {"option", name})) is_on = true;
            if (begins(line, {"no", "option", name})) is_on = false;
        }
        return is_on;
    }
    // The word behind these two; none if there is no such line.
    std::optional<std::string_view> value(std::string_view first, std::string_view second) const {
        std::optional<std::string_view> found;
        for (const auto& line : lines_) {
            if (begins(line, {first, second}) && line.size() > 2) found = line[2];
        }
        return found;
    }
    // The last line that begins so; none if there is none.
    Words line(std::string_view word) const {
        Words found;
        for (const auto& line : lines_) {
            if (line[0] == word) found = line;
        }
        return found;
    }
    bool is_tcp() const {
        bool is_tcp = true;
        for (const auto& line : lines_) {
            if (line[0] == "mode" && line.size() > 1) is_tcp = line[1] == "tcp";
        }
        return is_tcp;
    }
    // Of each server: its words behind those of all `default-server`.
    std::vector<Words> servers() const {
        Words usual;
        std::vector<Words> servers;
        for (const auto& line : lines_) {
            if (line[0] == "default-server")
                usual.insert(usual.end(), line.begin() + 1, line.end());
            if (line[0] != "server" || line.size() < 3) continue;
            auto words = usual;
            words.insert(words.end(), line.begin() + 3, line.end());
            servers.push_back(std::move(words));
        }
        return servers;
    }

  private:
    std::vector<Words> lines_;
};

bool has(const Words& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// What stands last behind that word; empty if it is not there.
std::string_view behind(const Words& words, std::string_view word) {
    std::string_view found;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == word) found = words[i + 1];
    }
    return found;
}

// --- judgements --------------------------------------------------------------------------------

class Judge {
  public:
    Judge(const HAProxyFile& file, const Section& section, Findings& findings)
        : file_(file),
          where_(fmt::format("{}, {}", file.name, section.name())),
          findings_(findings) {}

    void judge(const Settings& settings) {
        judge_section(settings);
        const auto servers = settings.servers();
        const auto lacks = [&](auto is_right) {
            return !std::all_of(servers.begin(), servers.end(), is_right);
        };
        if (lacks([](const Words& s) { return has(s, "check") || has(s, "agent-check"); })) {
            note(Weight::wrong, "a server is not checked: clients are sent to it when it is gone",
                 "`default-server check port 11280 inter 100ms fall 2 rise 2`");
        } else if (lacks([](const Words& s) { return has(s, "port") || has(s, "agent-check"); })) {
            note(Weight::wrong,
                 "a server is checked at its client port: when it is full the check fails, and all "
                 "of its clients are cut off",
                 "`check port` of listen of [admin], with `option httpchk` for /readyz");
        }
        if (lacks([](const Words& s) { return behind(s, "observe") == "layer4"; })) {
            note(Weight::risky,
                 "a server that has died is noticed by its checks alone: 0.3 s and more of errors, "
                 "where 10 ms are possible",
                 "`observe layer4 error-limit 1 on-error mark-down` for the servers");
        }
        if (lacks(
                [](const Words& s) { return behind(s, "on-marked-down") == "shutdown-sessions"; }))
            note(Weight::wrong,
                 "clients stay connected to a server that is marked down: what they write there "
                 "may come late, over what was written since",
                 "`on-marked-down shutdown-sessions` for the servers");
        judge_stick_table(settings.line("stick-table"));
        judge_places(servers);
    }

  private:
    void note(Weight weight, std::string what, std::string advice) {
        findings_.push_back({weight, where_, std::move(what), std::move(advice)});
    }

    void judge_section(const Settings& settings) {
        if (!settings.has_option("abortonclose")) {
            note(Weight::wrong,
                 "what HAProxy holds of a client that has given up still reaches a node, and may "
                 "overwrite what was written since",
                 "`option abortonclose`");
        }
        if (!settings.has_option("redispatch")) {
            note(Weight::risky, "a client whose server does not answer is not given the other one",
                 "`option redispatch 1`");
        }
        const auto text = settings.value("timeout", "connect");
        const auto time = text ? milliseconds_of(*text) : std::nullopt;
        constexpr std::uint64_t most = 1000;
        if (!time || *time > most) {
            note(Weight::risky,
                 time ? fmt::format("a server that does not answer is waited for for {}", *text)
                      : std::string("a server that does not answer is waited for without an end"),
                 "`timeout connect 100ms`");
        }
    }

    // A connection that is to write an entry anew takes a place of the table for that moment.
    void judge_stick_table(const Words& table) {
        constexpr std::uint64_t fewest = 100;
        const auto places = lib::parse_number<std::uint64_t>(behind(table, "size"));
        if (!has(table, "nopurge") || !places || *places >= fewest) return;
        note(
            Weight::wrong,
            fmt::format("a stick-table of size {} that is full is not written anew: after a node's "
                        "return new clients go there, while older ones stay with the other",
                        *places),
            "`stick-table type integer size 10k nopurge` with `stick on int(1)`");
    }

    // HAProxy lets wait who finds no place; a node closes him.
    void judge_places(const std::vector<Words>& servers) {
        for (const auto& server : servers) {
            const auto text = behind(server, "maxconn");
            const auto places = lib::parse_number<std::uint64_t>(text).value_or(0);
            if (places == 0) {
                return note(Weight::wrong,
                            "a server has no maxconn: who finds no place at the node is closed "
                            "with an error instead of waiting",
                            "`maxconn` for the servers, below the nodes' -c");
            }
            if (file_.max_connections > 0 && places > file_.max_connections) {
                return note(Weight::wrong,
                            fmt::format("maxconn {} is above the nodes' -c {}: they close whom "
                                        "HAProxy sends",
                                        places, file_.max_connections),
                            "lower maxconn, or raise -c");
            }
        }
    }

    const HAProxyFile& file_;
    const std::string where_;
    Findings& findings_;
};

}  // namespace

void judge_haproxy(const HAProxyFile& file, Findings& findings) {
    const auto sections = sections_of(file.text);
    const Section* defaults = nullptr;
    bool has_servers = false;
    for (const auto& section : sections) {
        if (section.is("defaults")) defaults = &section;
        if (!section.is("listen") && !section.is("backend")) continue;
        const Settings settings(defaults, section);
        if (!settings.is_tcp() || settings.servers().empty()) continue;
        has_servers = true;
        Judge(file, section, findings).judge(settings);
    }
    if (!has_servers) {
        findings.push_back({Weight::wrong, std::string(file.name),
                            "no listen or backend in mode tcp has a server",
                            "name HAProxy's configuration: conf/haproxy.cfg is one"});
    }
}

}  // namespace twincached::app

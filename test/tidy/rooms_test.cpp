#include "test/tidy/rooms.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::tidy {
namespace {

constexpr std::size_t files_limit = 32;

const std::vector<std::string> product{"lib", "storage", "protocol", "replication", "app"};

using Findings = std::vector<std::string>;

// Room -> rooms of its layer that it may include. A new arrow is a decision: it is made here, and
// told in docs/ARCHITECTURE.md where it changes what a room is for.
const std::map<std::string, std::set<std::string>> inner_arrows{
    {"lib/input", {}},
    {"lib/time", {}},

    {"storage/memory", {}},
    {"storage/index", {"storage/memory"}},
    {"storage/eviction", {"storage/memory", "storage/index"}},
    {"storage/shard", {"storage/memory", "storage/index", "storage/eviction"}},

    {"protocol/observation", {}},
    {"protocol/login", {}},
    {"protocol/execution", {"protocol/login", "protocol/observation"}},
    {"protocol/reports", {"protocol/execution", "protocol/observation"}},
    {"protocol/meta", {"protocol/execution"}},
    {"protocol/text", {"protocol/execution", "protocol/meta", "protocol/reports"}},
    {"protocol/binary", {"protocol/execution", "protocol/login", "protocol/reports"}},

    {"replication/records", {}},
    {"replication/changes", {}},
    {"replication/pair", {}},
    {"replication/pair/exchange", {"replication/changes", "replication/records"}},
    {"replication/pair/arbitration",
     {"replication/changes", "replication/records", "replication/pair/exchange"}},
    {"replication/pair/legacy", {"replication/changes", "replication/pair"}},
    {"replication/pair/link",
     {"replication/changes", "replication/records", "replication/pair",
      "replication/pair/arbitration", "replication/pair/exchange", "replication/pair/legacy"}},
    {"replication/nats", {}},
    {"replication/nats/removals", {"replication/changes", "replication/nats"}},
    {"replication/nats/log",
     {"replication/changes", "replication/nats", "replication/nats/removals",
      "replication/records"}},
    {"replication/nats/walk", {"replication/nats", "replication/nats/log", "replication/records"}},
    {"replication/nats/engine",
     {"replication/changes", "replication/nats", "replication/nats/log",
      "replication/nats/removals", "replication/nats/walk", "replication/records"}},
    {"replication/nats/jetstream", {"replication/nats"}},
    {"replication/nats/driver",
     {"replication/changes", "replication/nats", "replication/nats/engine",
      "replication/nats/jetstream", "replication/nats/removals", "replication/pair"}},
    {"replication/pair/driver",
     {"replication/changes", "replication/pair", "replication/pair/exchange",
      "replication/pair/link"}},

    {"app/addresses", {}},
    {"app/options", {}},
    {"app/output", {}},
    {"app/process", {"app/output"}},
    {"app/listeners", {"app/addresses", "app/process"}},
    {"app/sessions", {"app/addresses", "app/listeners", "app/process"}},
    {"app/logins", {"app/process"}},
    {"app/restart", {"app/process"}},
    {"app/reports", {"app/listeners", "app/options", "app/process", "app/sessions"}},
    {"app/history", {"app/process"}},
    {"app/console", {}},
    {"app/endpoint/entry", {"app/console", "app/listeners", "app/process"}},
    {"app/endpoint",
     {"app/console", "app/endpoint/entry", "app/history", "app/listeners", "app/process",
      "app/reports"}},
    {"app/twinctl/doctor", {}},
    {"app/twinctl/migration", {}},
    {"app/twinctl", {"app/output", "app/process", "app/twinctl/doctor", "app/twinctl/migration"}},
};

// File -> what it includes of its own layer; a header and its source are one.
std::map<std::string, std::set<std::string>> arrows_between_files() {
    const auto stem_of = [](std::string_view path) {
        return std::string(path.substr(0, path.rfind('.')));
    };
    std::map<std::string, std::set<std::string>> arrows;
    for (const auto& file : sources_below(product)) {
        for (const auto& line : file.lines) {
            const auto target = included_by(line);
            if (layer_of(target).empty()) continue;
            const auto from = stem_of(file.path);
            const auto to = stem_of(target);
            if (from != to) arrows[from].insert(to);
        }
    }
    return arrows;
}

}  // namespace

TEST_CASE("no folder of the product holds more than 32 files") {
    std::map<std::string, std::size_t> counts;
    for (const auto& file : sources_below(product))
        ++counts[room_of(file.path)];
    Findings findings;
    for (const auto& [room, count] : counts)
        if (count > files_limit) findings.push_back(room + ": " + std::to_string(count));
    CHECK(findings == Findings{});
}

TEST_CASE("no files of the product include each other in a circle") {
    CHECK(circles_in(arrows_between_files()) == Findings{});
}

TEST_CASE("no rooms include each other in a circle") {
    std::map<std::string, std::set<std::string>> arrows;
    for (const auto& arrow : arrows_between_rooms(sources_below(product)))
        if (!is_root(arrow.from) && !is_root(arrow.to)) arrows[arrow.from].insert(arrow.to);
    CHECK(circles_in(arrows) == Findings{});
}

TEST_CASE("every arrow between rooms is one that was decided") {
    std::set<std::string> findings;
    for (const auto& arrow : arrows_between_rooms(sources_below(product))) {
        if (is_root(arrow.from) || is_root(arrow.to)) continue;
        const auto allowed = inner_arrows.find(arrow.from);
        if (allowed == inner_arrows.end() || !allowed->second.contains(arrow.to))
            findings.insert(arrow.because);
    }
    CHECK(findings == std::set<std::string>{});
}

TEST_CASE("every room stands in the map of docs/ARCHITECTURE.md, and no other") {
    std::set<std::string> rooms;
    for (const auto& file : sources_below(product))
        rooms.insert(room_of(file.path));
    std::set<std::string> mapped;
    std::istringstream map(content_of("docs/ARCHITECTURE.md"));
    for (std::string line; std::getline(map, line);) {
        if (!line.starts_with("| `")) continue;
        auto room = line.substr(3, line.find('`', 3) - 3);
        if (!layer_of(room + "/").empty()) mapped.insert(std::move(room));
    }
    CHECK(mapped == rooms);
}

// What a room includes from its layer's root knows no room: else the root would be above and below
// at once, and there would be no order in which to read.
TEST_CASE("a file at a layer's root is vocabulary or a facade, never both") {
    const auto arrows = arrows_between_rooms(sources_below(product));
    std::map<std::string, std::string> knows_room;  // stem of a root's file -> because
    for (const auto& arrow : arrows)
        if (is_root(arrow.from)) {
            knows_room[arrow.because.substr(0, arrow.because.find('.'))] = arrow.because;
        }
    Findings findings;
    for (const auto& arrow : arrows) {
        if (is_root(arrow.from) || !is_root(arrow.to)) continue;
        const auto line = arrow.because.substr(arrow.because.find("#include"));
        const std::string target(included_by(line));
        const auto found = knows_room.find(target.substr(0, target.rfind('.')));
        if (found != knows_room.end()) {
            findings.push_back(arrow.because + ", but " + found->second);
        }
    }
    CHECK(findings == Findings{});
}

TEST_CASE("the search for circles finds one, and none where there is an order") {
    CHECK(circles_in({{"a", {"b"}}, {"b", {"c"}}, {"c", {}}}) == Findings{});
    CHECK(circles_in({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}}) == Findings{"b -> c -> b"});
}

}  // namespace twincached::tidy

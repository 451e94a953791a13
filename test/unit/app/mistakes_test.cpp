// What people get wrong, and what they are told: a sentence that names the place, what was written
// and what was likely meant. What only the machine can tell (files, users, addresses) is in
// test/integration/test_command_line.py.
#include "app/options/command_line.hpp"
#include "app/options/option_printing.hpp"
#include "app/options/option_reader.hpp"
#include "app/server_options.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

using Sentences = std::vector<std::string>;

Sentences told(const std::string& file, const std::string& line = {}) {
    OptionReader reader(server_option_table());
    if (!file.empty()) reader.read_content(file, "x.conf");
    std::istringstream words(line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;)
        arguments.push_back(word == "''" ? "" : word);
    read_command_line(arguments, reader);
    Sentences sentences;
    for (const auto& problem : reader.problems())
        sentences.push_back(problem.message);
    return sentences;
}

struct Mistake {
    const char* file;
    Sentences sentences;
};

const Mistake in_files[] = {
    // Typos and places.
    {"[memory]\nlimt = 64m\n",
     {"x.conf:2: unknown option 'limt' in [memory] (did you mean 'limit'?)"}},
    {"[memroy]\nlimit = 64m\n", {"x.conf:2: unknown section [memroy] (did you mean 'memory'?)"}},
    {"[network]\nlimit = 64m\n", {"x.conf:2: 'limit' belongs in [memory], not in [network]"}},
    {"[replication]\nchain-cert = /x\n",
     {"x.conf:2: 'chain-cert' belongs in [tls], not in [replication]"}},
    {"[memory]\nxyzzy = 1\n", {"x.conf:2: unknown option 'xyzzy' in [memory]"}},
    {"[memory]\nlimit = 64m\nlimit = 128m\n",
     {"x.conf:3: 'limit' is set again, first at x.conf:2"}},
    {"[memory]\nlimit = 64m\n[network]\nport = 11211\n[memory]\nlimit = 32m\n",
     {"x.conf:6: 'limit' is set again, first at x.conf:2"}},
    // Units.
    {"[replication]\nsilence = 1\n",
     {"x.conf:2: silence: '1' needs a unit (ms, s, m or h); was 1s meant?"}},
    {"[replication]\ndrain-timeout = 30\n",
     {"x.conf:2: drain-timeout: '30' needs a unit (ms, s, m or h); was 30s meant?"}},
    {"[replication]\nack-timeout = 50\n",
     {"x.conf:2: ack-timeout: '50' needs a unit (ms, s, m or h); was 50ms meant?"}},
    {"[memory]\nlimit = 64\n", {"x.conf:2: limit: '64' needs a unit (k, m or g); was 64m meant?"}},
    {"[replication]\nlog-memory = 64\n",
     {"x.conf:2: log-memory: '64' needs a unit (k, m or g); was 64m meant?"}},
    {"[replication]\nsync-serve-timeout = 600\n",
     {"x.conf:2: sync-serve-timeout: '600' needs a unit (ms, s, m or h); was 600s meant?"}},
    {"[limits]\nwrite-timeout = 100\n",
     {"x.conf:2: write-timeout: '100' needs a unit (ms, s, m or h); was 100s meant?"}},
    {"[replication]\nclock-max-ahead = 3600\n",
     {"x.conf:2: clock-max-ahead: '3600' needs a unit (ms, s, m or h); was 3600s meant?"}},
    {"[memory]\nlimit = 64x\n", {"x.conf:2: limit: '64x' is not a size such as 512k, 64m or 2g"}},
    {"[replication]\nsilence = soon\n",
     {"x.conf:2: silence: 'soon' is not a duration such as 200ms, 3s, 5m or 24h"}},
    // Ranges and choices.
    {"[memory]\nlimit = 0\n", {"x.conf:2: limit must be at least 1m, not '0'"}},
    {"[replication]\nsilence = 10ms\n",
     {"x.conf:2: silence must be between 50ms and 10m, not '10ms'"}},
    {"[replication]\non-split = bth\n",
     {"x.conf:2: on-split must be one of both|secondary-readonly|secondary-closed, not 'bth'"}},
    {"[replication]\nack = sync\n", {"x.conf:2: ack must be one of async|received, not 'sync'"}},
    {"[replication]\nnode = c\n", {"x.conf:2: node must be one of a|b|0|1|2|3, or empty, not 'c'"}},
    {"[memory]\nevictions = maybe\n", {"x.conf:2: evictions must be yes or no, not 'maybe'"}},
    {"[network]\nport = eleven\n", {"x.conf:2: port must be a number, not 'eleven'"}},
    {"[network]\nport = 70000\n", {"x.conf:2: ERROR: Invalid port number 70000."}},
    // What does not go together.
    {"[replication]\npeer = b\nsecret = x\nsecret-file = /x\n",
     {"x.conf:4: secret and secret-file are both set: take one of them"}},
    {"[replication]\npeer = b\nold-secret-file = /x\n",
     {"x.conf:3: old-secret-file is what went before a secret: it needs secret-file or secret"}},
    {"[replication]\npeer = b, c\n",
     {"x.conf:2: peer is one node, not 'b, c': a pair has two, and each names the other"}},
    {"[replication]\ndriver = pair\n",
     {"x.conf:2: driver pair needs a peer (-x, or peer in [replication])"}},
    {"[replication]\npeer = b\nack-required = yes\n",
     {"x.conf:3: ack-required (--ack-required) needs ack = received (--ack=received)"}},
    {"[replication]\npeer = b\nsilence = 300ms\n",
     {"x.conf:3: silence must be at least twice the heartbeat"}},
    {"[replication]\npeer = b\nlisten = 11211\n",
     {"x.conf:3: the link (listen of [replication], -X) and the clients (port, -p) both want port "
      "11211"}},
    {"[admin]\nlisten = tls:127.0.0.1:11281\n",
     {"x.conf:2: listen of [admin] has tls: it needs certificate and key"}},
    {"[admin]\ntoken-file = /x\n",
     {"x.conf:2: token-file of [admin] is for TLS: a place of listen must begin with tls:"}},
    {"[admin]\nlisten = host-b\n",
     {"x.conf:2: 'host-b' has no port: write host:port, the whole path of a unix socket, or "
      "local"}},
    // Lines that are none.
    {"limit = 64m\n", {"x.conf:1: 'limit' stands in no [section]"}},
    {"[memory\nlimit = 64m\n", {}},
    {"[memory]\nlimit\n", {}},
};

const Mistake on_command_lines[] = {
    {"--on-splitt=both",
     {"unknown option '--on-splitt=both' (did you mean 'on-split'?); -h shows all"}},
    {"--secret=",
     {"unknown option '--secret=' (secret of [replication] stands in the file alone); -h "
      "shows all"}},
    // An empty word, as a variable that is not set leaves it.
    {"-x ''", {"-x lacks its value"}},
    {"-Y ''", {"-Y lacks its value"}},
    {"-l ''", {"-l lacks its value"}},
    {"-s ''", {"-s lacks its value"}},
    {"-e ''", {"-e lacks its value"}},
    {"-P ''", {"-P lacks its value"}},
    {"-D ''", {"-D lacks its value"}},
    {"--secret-file ''", {"--secret-file lacks its value"}},
    {"--sasl-file ''", {"--sasl-file lacks its value"}},
    {"--proxy-protocol-from ''", {"--proxy-protocol-from lacks its value"}},
    {"--admin-token-file ''", {"--admin-token-file lacks its value"}},
    {"--admin-listen ''", {}},  // nowhere, instead of the default
    {"--limit=64m",
     {"unknown option '--limit=64m' (limit of [memory] is --memory-limit); -h shows all"}},
    {"--peer=", {"'--peer=' lacks its value"}},
    {"-x b -x c", {"-x is given twice, the second time with 'c': it takes one value"}},
    {"-x b --peer=c", {"-x is given twice, the second time with 'c': it takes one value"}},
    {"-x b,c", {"peer is one node, not 'b,c': a pair has two, and each names the other"}},
    {"-x :11212", {"peer ':11212' names no host: where is the other node?"}},
    {"-x *", {"peer '*' names no host: where is the other node?"}},
    {"-x 0.0.0.0", {"peer '0.0.0.0' names no host: where is the other node?"}},
    {"-x [::]:11212", {"peer '[::]:11212' names no host: where is the other node?"}},
    {"-m 0", {"memory-limit must be at least 1m, not '0'"}},
    {"-t many", {"threads must be a number, not 'many'"}},
    // Beyond either end; memcached has words for one of them alone.
    {"-t 0", {"Number of threads must be greater than 0"}},
    {"-t 1025", {"threads must be between 1 and 1024, not '1025'"}},
    {"-c -1", {"Maximum connections must be greater than 0"}},
    {"-c 2147483648", {"conn-limit must be between 1 and 10000000, not '2147483648'"}},
    {"-R 99999999999999999999",
     {"max-reqs-per-event must be between 1 and 1000000, not '99999999999999999999'"}},
    {"-n 2000000", {"slab-min-size must be between 1 and 1048576, not '2000000'"}},
    {"-f 1.0", {"Factor must be greater than 1"}},
    {"-f inf", {"slab-growth-factor must be between 1.000001 and 100, not 'inf'"}},
    {"-o hashpower=-1", {"hashpower must be between 0 and 64, not '-1'"}},
    {"-o slab_automove_window=2000000",
     {"slab_automove_window must be between 3 and 1048576, not '2000000'"}},
    {"-o hot_max_factor=2000", {"hot_max_factor must be between 1e-06 and 1000, not '2000'"}},
    {"--silence=1", {"silence: '1' needs a unit (ms, s, m or h); was 1s meant?"}},
    {"-x b -p 11212",
     {"the link (listen of [replication], -X) and the clients (port, -p) both want port 11212"}},
};

}  // namespace

TEST_CASE("a mistake in a file is named with its line, what was written and what was meant") {
    for (const auto& mistake : in_files) {
        INFO(mistake.file);
        const auto sentences = told(mistake.file);
        if (mistake.sentences.empty()) {
            REQUIRE_FALSE(sentences.empty());
            CHECK(sentences.front().starts_with("x.conf:"));
            continue;
        }
        CHECK(sentences == mistake.sentences);
    }
}

TEST_CASE("a mistake on the command line is named as it was written, with what was meant") {
    for (const auto& mistake : on_command_lines) {
        INFO(mistake.file);
        CHECK(told({}, mistake.file) == mistake.sentences);
    }
}

namespace {

// What no option of that kind can be.
std::string_view nonsense_for(const lib::OptionRow& row) noexcept {
    if (!row.choices.empty()) return "xyzzy";
    switch (row.fills.kind) {
        case lib::OptionKind::flag:
            return "perhaps";
        case lib::OptionKind::number:
        case lib::OptionKind::decimal:
            return "eleven";
        case lib::OptionKind::bytes:
        case lib::OptionKind::duration:
            return "77";  // without a unit
        default:
            return {};
    }
}

}  // namespace

TEST_CASE("nonsense for any option is refused with its line, its key and what was written") {
    std::size_t seen = 0;
    for (const auto& row : server_option_table().rows()) {
        const auto nonsense = std::string(nonsense_for(row));
        if (row.section.empty() || nonsense.empty()) continue;
        ++seen;
        const std::string key(row.key);
        const auto sentences =
            told("[" + std::string(row.section) + "]\n" + key + " = " + nonsense + "\n");
        INFO(row.section << '.' << key);
        REQUIRE_FALSE(sentences.empty());
        INFO(sentences.front());
        CHECK(sentences.front().starts_with("x.conf:2: "));
        // Where memcached has words of its own, they are said.
        if (!row.out_of_range.empty()) continue;
        CHECK(sentences.front().find(key) != std::string::npos);
        CHECK(sentences.front().find("'" + nonsense + "'") != std::string::npos);
        const bool has_unit =
            row.fills.kind == lib::OptionKind::bytes || row.fills.kind == lib::OptionKind::duration;
        if (has_unit) CHECK(sentences.front().find("needs a unit") != std::string::npos);
    }
    CHECK(seen > 60);
}

TEST_CASE("the help of a flag says what the flag does, and of a key what its value decides") {
    const auto help = help_text(server_option_table());
    for (const auto* lines :
         {"-M, --disable-evictions\n        Never evict: when memory is full, refuse to store.\n",
          "-C, --disable-cas\n        Disable CAS: clients are shown 0 instead of CAS uniques.\n",
          "-F, --disable-flush-all\n        Disable flush_all: it is refused.\n",
          "-X, --disable-dumping\n        Disable dumps: stats cachedump and lru_crawler metadump "
          "are refused.\n",
          "-W, --disable-watch\n        Disable watch: it is refused.\n",
          "        When the peer falls silent both nodes serve; or the primary alone, while the "
          "secondary\n        is read only or closed.\n",
          "        Compare all items with the other node's once per this interval; 0: never.\n",
          "        Open the client port after this long, even if the copy is incomplete.\n"}) {
        INFO(lines);
        CHECK(help.find(lines) != std::string::npos);
    }
}

TEST_CASE("all mistakes of a file are told at once, in the order of their lines") {
    CHECK(told("[memory]\nlimt = 1m\nlimit = 64\n[replication]\nsilence = 1\n").size() == 3);
}

}  // namespace twincached::app

#include "app/listeners/listener_options.hpp"
#include "app/logins/password_files.hpp"
#include "app/options/command_line.hpp"
#include "app/options/option_printing.hpp"
#include "app/process/log.hpp"
#include "app/process/process_options.hpp"
#include "app/replication_options.hpp"
#include "app/server_options.hpp"
#include "app/sessions/session_options.hpp"
#include "lib/option_value.hpp"
#include "protocol/settings.hpp"
#include "replication/nats/driver/nats_options.hpp"
#include "replication/pair/driver/driver_addresses.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

using std::chrono::milliseconds;

OptionReader reading(const std::string& line, const std::string& file = {}) {
    OptionReader reader(server_option_table());
    if (!file.empty()) reader.read_content(file, "test.conf");
    std::istringstream words(line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;)
        arguments.push_back(word);
    read_command_line(arguments, reader);
    return reader;
}

Options good(const std::string& line, const std::string& file = {}) {
    const auto reader = reading(line, file);
    for (const auto& problem : reader.problems())
        UNSCOPED_INFO(problem.message);
    REQUIRE(reader.problems().empty());
    return reader.options();
}

struct Refusal {
    std::string line;
    std::string text;
};

}  // namespace

TEST_CASE("every option of the table has a default that it accepts itself") {
    auto options = Options(server_option_table());
    for (const auto& row : options.rows()) {
        INFO(row.section << '.' << row.key);
        if (row.fills.kind == lib::OptionKind::list) lib::clear_list(row, options.structs());
        CHECK(lib::assign(row, row.initial, options.structs()).has_value());
        CHECK_FALSE(row.help.empty());
    }
}

TEST_CASE("no two options share a flag, a letter, a word or a key") {
    std::set<std::string> names;
    for (const auto& row : server_option_table().rows()) {
        INFO(row.section << '.' << row.key);
        CHECK(names.insert(std::string(row.section) + '.' + std::string(row.key)).second);
        if (!row.flag.empty()) CHECK(names.insert("--" + std::string(row.flag)).second);
        if (row.letter != 0) CHECK(names.insert(std::string("-") + row.letter).second);
        if (!row.word.empty()) CHECK(names.insert("-o " + std::string(row.word)).second);
    }
}

TEST_CASE("what an option fills can hold what its row allows") {
    for (const auto& row : server_option_table().rows()) {
        const auto kind = row.fills.kind;
        const bool is_ranged = kind == lib::OptionKind::number || kind == lib::OptionKind::duration;
        if (row.fills.owner == nullptr || !is_ranged) continue;
        INFO(row.section << '.' << row.key);
        REQUIRE(row.most < 1e15);
        for (const auto bound : {row.least, row.most}) {
            auto structs = server_option_table().defaults();
            const auto written = static_cast<std::int64_t>(bound);
            const auto unit = kind == lib::OptionKind::duration ? "ms" : "";
            const auto stored = lib::assign(row, std::to_string(written) + unit, structs);
            CHECK(stored.has_value());
            const auto held = structs.value(row);
            const auto* number = std::get_if<std::int64_t>(&held);
            const auto* duration = std::get_if<milliseconds>(&held);
            CHECK((number != nullptr ? *number : duration->count()) == written);
        }
    }
}

TEST_CASE("without options memcached's defaults hold") {
    const auto options = good("");
    CHECK(options.get<ListenerOptions>().port == 11211);
    CHECK(options.get<ListenerOptions>().listen.empty());
    CHECK(options.get<storage::StoreOptions>().memory_limit_bytes == 64ULL << 20);
    CHECK(options.get<storage::StoreOptions>().item_size_limit_bytes == 1ULL << 20);
    CHECK(options.get<ListenerOptions>().connections == 1024);
    CHECK(options.get<SessionOptions>().threads == 4);
    CHECK(options.get<protocol::Settings>().requests_per_event == 20);
    CHECK(options.get<storage::StoreOptions>().evict);
    CHECK(options.get<protocol::Settings>().cas_enabled);
    CHECK(options.get<ListenerOptions>().reject_fast);
    CHECK_FALSE(options.get<protocol::Settings>().shutdown_enabled);
    CHECK(options.get<replication::ReplicationOptions>().driver == "none");
}

TEST_CASE("short, bundled, glued and long forms mean the same") {
    for (const auto* line :
         {"-d -m 100 -vv -p 11311 -C", "-dvvC -m100 -p11311",
          "--daemon --memory-limit=100 --verbose -v --port 11311 --disable-cas"}) {
        INFO(line);
        const auto options = good(line);
        CHECK(options.get<ProcessOptions>().daemon);
        CHECK(options.get<storage::StoreOptions>().memory_limit_bytes == 100ULL << 20);
        CHECK(options.get<LogOptions>().verbosity == 2);
        CHECK(options.get<ListenerOptions>().port == 11311);
        CHECK_FALSE(options.get<protocol::Settings>().cas_enabled);
    }
}

TEST_CASE("flags that switch off do so") {
    const auto options = good("-M -C -F -W");
    CHECK_FALSE(options.get<storage::StoreOptions>().evict);
    CHECK_FALSE(options.get<protocol::Settings>().cas_enabled);
    CHECK_FALSE(options.get<protocol::Settings>().flush_enabled);
    CHECK_FALSE(options.get<protocol::Settings>().watch_enabled);
}

TEST_CASE("the option -X alone disables dumping, with a port it is repcached's") {
    CHECK_FALSE(good("-X").get<protocol::Settings>().dump_enabled);
    CHECK_FALSE(good("-X -vv").get<protocol::Settings>().dump_enabled);
    CHECK_FALSE(good("-vX").get<protocol::Settings>().dump_enabled);
    CHECK_FALSE(good("--disable-dumping").get<protocol::Settings>().dump_enabled);
    for (const auto* line : {"-X 11300:11301 -x peer", "-x peer -X11300:11301"}) {
        INFO(line);
        const auto options = good(line);
        CHECK(options.get<protocol::Settings>().dump_enabled);
        CHECK(options.get<replication::pair::PairOptions>().link_listen == "11300");
        CHECK(options.get<replication::pair::PairOptions>().peer_port == 11301);
    }
    CHECK(good("-dX 11300").get<replication::pair::PairOptions>().peer_port == 11300);
}

TEST_CASE("a repcached command line makes a pair") {
    const auto options = good("-d -m 2048 -p 11211 -u nobody -c 2048 -x 192.0.2.2 -q 65536");
    CHECK(options.get<replication::ReplicationOptions>().driver == "pair");
    CHECK(options.get<replication::pair::PairOptions>().peer == "192.0.2.2");
    CHECK(options.get<storage::StoreOptions>().memory_limit_bytes == 2048ULL << 20);
    CHECK(options.get<ListenerOptions>().connections == 2048);
}

TEST_CASE("the link listens where the clients' only address is, unless it is told otherwise") {
    const auto host = [](const std::string& line) {
        const auto options = good(line);
        const auto places = replication::pair::link_places(replication_setup(options, {}));
        return places.listen.host;
    };
    CHECK(host("-x peer") == "");
    CHECK(host("-x peer -l 127.0.0.2") == "127.0.0.2");
    CHECK(host("-x peer -l 127.0.0.2:11300") == "127.0.0.2");
    CHECK(host("-x peer -l 127.0.0.2,127.0.0.3") == "");
    CHECK(host("-x peer -l 127.0.0.2 --link-listen 127.0.0.9:11212") == "127.0.0.9");
}

// Nothing is wrong with any of these, and nobody would notice before the day it matters.
TEST_CASE("a node that is alone although its options ask for another says what is missing") {
    const auto remark = [](const std::string& line, const std::string& file = "") {
        std::string all;
        const auto reader = reading(line, file);
        for (const auto& one : reader.remarks())
            all += one + "\n";
        return all;
    };
    const std::string needs =
        ": it needs a peer (-x, or peer in [replication]) or a NATS server (--nats-servers, or "
        "servers in [replication])\n";
    const auto lonely = [&](const std::string& keys) {
        return "this node is alone, although [replication] has " + keys + needs;
    };
    CHECK(remark("-X 11300") == lonely("peer-port, listen"));
    CHECK(remark("-X 11212:11212") == lonely("peer-port, listen"));
    CHECK(remark("--node a --cluster=shop") == lonely("cluster, node"));
    CHECK(remark("--secret-file=s --ack=received --on-split=both") ==
          lonely("secret-file, ack, on-split"));
    CHECK(remark("--link-tls --link-tls-certificate=c --link-tls-key=k --link-tls-ca=a "
                 "--link-tls-peer-name=b") ==
          lonely("tls, tls-certificate, tls-key, tls-ca, tls-peer-name"));
    CHECK(remark("", "[replication]\nsecret = s\n") == lonely("secret"));
    CHECK(remark("--replication-driver=none -x host-b") ==
          "this node is alone, although [replication] has peer: driver = none\n");
    // What a file says as it would be without says nothing, and a pair is not alone.
    CHECK(remark("", "[replication]\ncluster = twincached\npeer =\n").empty());
    CHECK(remark("-x host-b -X 11300 --node a").empty());
    CHECK(remark("").empty());
    CHECK(remark("-X").empty());
}

TEST_CASE("what only another driver uses is named, for it would be relied upon") {
    const auto remarks = [](const std::string& line, const std::string& file = "") {
        const auto reader = reading(line, file);
        return reader.remarks();
    };
    const std::string nats = "--nats-servers=127.0.0.1 --node=0 ";
    using Lines = std::vector<std::string>;
    CHECK(remarks(nats).empty());
    CHECK(remarks(nats + "--ack=received --heartbeat=100ms --sync-rate=1m").empty());
    CHECK(remarks(nats + "--arbitrate=all --on-split=both") ==
          Lines{"arbitrate: driver nats does not use it", "on-split: driver nats does not use it"});
    CHECK(remarks(nats, "[replication]\nlegacy = yes\n").size() == 1);
    // As the shipped file has it.
    CHECK(remarks(nats, "[replication]\narbitrate = off\nscrub-interval = 1h\n").empty());
    CHECK(remarks("-x host-b --replication-driver=pair --nats-servers=127.0.0.1") ==
          Lines{"servers: driver pair does not use it"});
}

TEST_CASE("no message of a cluster is set to be shorter than any broker is of use with") {
    const std::string nats = "--nats-servers=127.0.0.1 --node=0 ";
    using replication::nats::NatsOptions;
    CHECK(good(nats + "--batch-size=8k").get<NatsOptions>().batch_bytes == 8192);
    CHECK(good(nats + "--batch-size=512k").get<NatsOptions>().batch_bytes == 512U << 10);
    const auto reader = reading(nats + "--batch-size=7k");
    REQUIRE(reader.problems().size() == 1);
    CHECK(reader.problems()[0].message == "batch-size must be between 8k and 512k, not '7k'");
}

TEST_CASE("a pair's name is no longer than what its nodes can tell each other") {
    const std::string pair = "-x host-b --cluster=";
    CHECK(reading(pair + std::string(255, 'x')).problems().empty());
    const auto reader = reading(pair + std::string(256, 'x'));
    REQUIRE(reader.problems().size() == 1);
    CHECK(reader.problems()[0].message ==
          "cluster is a name of at most 255 bytes: this one has 256");
}

TEST_CASE("each file that a cluster's node logs in with and cannot read is named") {
    const std::string nats = "--nats-servers=127.0.0.1 --node=0 ";
    const auto to_come = [&](const std::string& words) {
        return replication::nats::files_to_come(good(nats + words).structs());
    };
    CHECK(to_come("").empty());
    CHECK(to_come("--nats-token-file=/dev/null").empty());
    for (const std::string words : {"--nats-user=web --nats-password-file=", "--nats-token-file=",
                                    "--nats-credentials=", "--link-tls-ca="}) {
        CAPTURE(words);
        const auto lines = to_come(words + "/does/not/exist");
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find(": /does/not/exist: No such file or directory") != std::string::npos);
    }
}

TEST_CASE("several listeners may be given in one list or in several") {
    const auto options = good("-l 127.0.0.1,[::1]:333 -l 10.0.0.1:444");
    CHECK(options.get<ListenerOptions>().listen ==
          std::vector<std::string>{"127.0.0.1", "[::1]:333", "10.0.0.1:444"});
}

TEST_CASE("negative ports are values, not flags") {
    CHECK(good("-p -1").get<ListenerOptions>().port == -1);
    CHECK(good("-U -1").get<ListenerOptions>().port == -1);
    CHECK(good("-U 11311").get<ListenerOptions>().port == 11311);
    CHECK(good("-U 11311 -p 11411").get<ListenerOptions>().port == 11411);
}

TEST_CASE("extended words take values, no_ prefixes and each other's company") {
    const auto options =
        good("-o idle_timeout=3,no_maxconns_fast,no_lru_crawler,modern -o hashpower=20");
    CHECK(options.get<SessionOptions>().idle_timeout == milliseconds(3000));
    CHECK_FALSE(options.get<ListenerOptions>().reject_fast);
    CHECK_FALSE(options.get<protocol::Settings>().crawler_enabled);
    CHECK(options.structs().written("hashpower") == "20");
    CHECK(good("-o slab_automove").structs().written("slab_automove") == "1");
    CHECK(good("-o slab_automove=0,no_modern").structs().written("slab_automove") == "0");
}

TEST_CASE("what has no effect is said once") {
    const auto reader =
        reading("-o proxy_arg=x -q 100 -o no_hashexpand,no_hashexpand -U 11211 -p 11211");
    REQUIRE(reader.remarks().size() == 3);
    CHECK(reader.remarks()[0].starts_with("-o proxy_arg has no effect: not built in"));
    CHECK(reader.remarks()[1].starts_with("-q is accepted and ignored"));
    CHECK(reader.remarks()[2].starts_with("-o hashexpand is accepted and ignored"));
}

TEST_CASE("commands for tests are there for whoever knows the option, which no list names") {
    CHECK_FALSE(good("").get<protocol::Settings>().test_commands);
    CHECK(good("--test-commands").get<protocol::Settings>().test_commands);
    for (const auto& text : {help_text(server_option_table()),
                             default_config_text(server_option_table()), config_text(good(""))})
        CHECK(text.find("test-commands") == std::string::npos);
}

TEST_CASE("bad command lines are refused with memcached's words, or a clear sentence") {
    const std::vector<Refusal> refusals{
        {"-I 1000", "Item max size cannot be less than 1024 bytes."},
        {"-I 33m", "Cannot set item size limit higher than 1/2 of memory max."},
        {"-m 256 -I 129m", "Cannot set item size limit higher than 1/2 of memory max."},
        {"-m 4096 -I 1025m", "Cannot set item size limit higher than a gigabyte."},
        {"-I 1024", "slab_chunk_max (bytes: 524288) cannot be larger than -I (item_size_max 1024)"},
        {"-m 0", "memory-limit must be at least 1m, not '0'"},
        {"--limit=5m",
         "unknown option '--limit=5m' (limit of [memory] is --memory-limit); -h shows all"},
        {"--on-splitt=both",
         "unknown option '--on-splitt=both' (did you mean 'on-split'?); -h shows all"},
        {"--secert-file=/x",
         "unknown option '--secert-file=/x' (did you mean 'secret-file'?); -h shows all"},
        {"--secret",
         "unknown option '--secret' (secret of [replication] stands in the file alone); -h shows "
         "all"},
        {"--old-secret-file=/x -x peer",
         "old-secret-file is what went before a secret: it needs secret-file or secret"},
        {"-m 1073741824",
         "memory-limit: 1073741824 counts MiB here, which is more than any machine has; for "
         "1073741824 bytes write 1g"},
        {"-m 1000000000",
         "memory-limit: 1000000000 counts MiB here, which is more than any machine has; for "
         "1000000000 bytes write 1000000000b"},
        {"-m 17t", "memory-limit: '17t' is more than any machine has"},
        {"-o read_buf_mem_limit=67108864",
         "buffer-memory: 67108864 counts MiB here, which is more than any machine has; for "
         "67108864 bytes write 64m"},
        {"-c 0", "Maximum connections must be greater than 0"},
        {"-c -1", "Maximum connections must be greater than 0"},
        {"-t 0", "Number of threads must be greater than 0"},
        {"-B http",
         "Invalid value for binding protocol: http\n"
         " -- should be one of auto, binary, or ascii"},
        {"-f 1.0", "Factor must be greater than 1"},
        {"-n 0", "Chunk size must be greater than 0"},
        {"-R 0", "Number of requests per event must be greater than 0"},
        {"-o bogus", "Illegal suboption \"bogus\""},
        {"-o no_idle_timeout", "Illegal suboption \"no_idle_timeout\""},
        {"-o slab_chunk_max=3",
         "-I (item_size_max: 1048576) must be evenly divisible by slab_chunk_max (bytes: 3072)"},
        {"-o hashpower=70",
         "Initial hashtable multiplier of 70 is too high\n"
         "Choose a value based on \"STAT hash_power_level\" from a running instance"},
        {"-o idle_timeout", "Missing numeric argument for idle_timeout"},
        {"-S -B ascii", "ERROR: You cannot allow the ASCII protocol while using SASL."},
        {"-Y /x -B binary",
         "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens."},
        {"-S -U 11211", "ERROR: Cannot enable UDP while using binary SASL authentication."},
        {"-Y /x -U 11211", "Cannot use UDP with ascii authentication enabled (-U 0 to disable)"},
        {"-Z -o ssl_key=k", "TLS (-Z) needs a certificate: -o ssl_chain_cert=<file>"},
        {"-Z -o ssl_chain_cert=c", "TLS (-Z) needs a private key: -o ssl_key=<file>"},
        {"-Z -o ssl_chain_cert=c,ssl_key=k -s /tmp/x",
         "ERROR: You cannot enable SSL without a TCP port."},
        {"-Z -o ssl_chain_cert=c,ssl_key=k,ssl_verify_mode=2",
         "clients' certificates cannot be verified without -o ssl_ca_cert=<file>"},
        {"-Z -o ssl_chain_cert=c,ssl_key=k -l mtls:127.0.0.1",
         "clients' certificates cannot be verified without -o ssl_ca_cert=<file>"},
        {"--link-tls --link-tls-peer-name=b --link-tls-ca=a",
         "TLS on the link needs tls-certificate and tls-key"},
        {"--link-tls --link-tls-certificate=c --link-tls-key=k",
         "TLS on the link needs tls-peer-name or tls-peer-fingerprint: who is it?"},
        {"--link-tls --link-tls-certificate=c --link-tls-key=k --link-tls-peer-name=b",
         "tls-peer-name needs tls-ca: anybody can write a name"},
        {"--link-tls-peer-fingerprint=ab:cd",
         "a fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits, not 'ab:cd'"},
        {"-l mtls:127.0.0.1", "a listener with mtls: needs TLS to be on (-Z)"},
        {"-o ssl_min_version=4",
         "ssl_min_version must be one of tlsv1.0|tlsv1.1|tlsv1.2|tlsv1.3|0|1|2|3, not '4'"},
        {"-p 70000", "ERROR: Invalid port number 70000."},
        {"-p 99999999999999999999", "ERROR: Invalid port number 99999999999999999999."},
        {"-a 999", "unix-mask must be an octal mode such as 700, not '999'"},
        {"-p 0", "nothing to listen on: no TCP port and no unix socket"},
        {"-l [::1", "']' is missing in '[::1'"},
        {"--memry-limit=5",
         "unknown option '--memry-limit=5' (did you mean 'memory-limit'?); -h shows all"},
        {"--secret=x",
         "unknown option '--secret=x' (secret of [replication] stands in the file alone); -h shows "
         "all"},
        {"--replication-driver pair", "driver pair needs a peer (-x, or peer in [replication])"},
        {"stray", "unexpected argument 'stray'"},
        {"-x 10.0.0.1,10.0.0.2",
         "peer is one node, not '10.0.0.1,10.0.0.2': a pair has two, and each names the other"},
        {"-x peer -p 11212",
         "the link (listen of [replication], -X) and the clients (port, -p) both want port 11212"},
        {"-x peer -l 10.0.0.1:11212",
         "the link (listen of [replication], -X) and the clients (port, -p) both want port 11212"},
    };
    for (const auto& refusal : refusals) {
        INFO(refusal.line);
        const auto reader = reading(refusal.line);
        REQUIRE(reader.problems().size() == 1);
        CHECK(reader.problems().front().message == refusal.text);
    }
}

TEST_CASE("what memcached accepts at the edges is accepted") {
    for (const auto* line :
         {"-I 32m", "-m 256 -I 128m", "-m 4096 -I 1024m", "-m 16777216", "-m 16t", "-I 512k",
          "-o slab_chunk_max=1024", "-b 0", "-t 200", "-L", "-M -m 2",
          "-I 1024 -o slab_chunk_max=1,no_lru_crawler,no_lru_maintainer", "-s /tmp/x -p 0",
          "-o relaxed_privileges",
          "-Z -o ssl_chain_cert=c,ssl_key=k,ssl_keyformat=DER,ssl_wbuf_size=64",
          "-Z -o ssl_chain_cert=c,ssl_key=k -l notls:[::1]:11211,mtls:localhost "
          "-o ssl_ca_cert=a,ssl_kernel_tls,ssl_session_cache,ssl_min_version=3",
          "-l notls:127.0.0.1"}) {
        INFO(line);
        CHECK(reading(line).problems().empty());
    }
}

TEST_CASE("the command line beats the file, the file beats the default") {
    const auto options = good("-m 100 -l 10.0.0.1",
                              "[memory]\nlimit = 32m\n[network]\nlisten = ::1\nport = 2\n"
                              "listen = 127.0.0.1\n");
    CHECK(options.get<storage::StoreOptions>().memory_limit_bytes == 100ULL << 20);
    CHECK(options.get<ListenerOptions>().listen == std::vector<std::string>{"10.0.0.1"});
    CHECK(options.get<ListenerOptions>().port == 2);
    CHECK(options.get<SessionOptions>().threads == 4);
}

TEST_CASE("a file's mistakes are all named, in order, with file and line") {
    const auto reader = reading("",
                                "[netwrok]\nport = 1\n[network]\nprot = 1\nport = 65536\nnonsense\n"
                                "threads = 2\nbacklog = 1\nbacklog = 2\n");
    std::vector<std::string> messages;
    for (const auto& problem : reader.problems())
        messages.push_back(problem.message);
    REQUIRE(messages ==
            std::vector<std::string>{
                "test.conf:2: unknown section [netwrok] (did you mean 'network'?)",
                "test.conf:4: unknown option 'prot' in [network] (did you mean 'port'?)",
                "test.conf:5: ERROR: Invalid port number 65536.",
                "test.conf:6: expected key = value, [section] or # comment",
                "test.conf:7: 'threads' belongs in [process], not in [network]",
                "test.conf:9: 'backlog' is set again, first at test.conf:8",
            });
}

TEST_CASE("a file's values that do not go together are named with their line") {
    const auto reader = reading("", "[memory]\nlimit = 8m\nitem-size-limit = 5m\n");
    REQUIRE(reader.problems().size() == 1);
    CHECK(reader.problems().front().message ==
          "test.conf:3: Cannot set item size limit higher than 1/2 of memory max.");
}

TEST_CASE("what --print-config prints brings about the same options") {
    const auto options = good("-m 100 -l 10.0.0.1,::1 -M -x peer:1 --node a -f 1.5 -v");
    const auto again = good("", config_text(options));
    CHECK(config_text(again) == config_text(options));
}

TEST_CASE("what --print-config prints is remarked on for what was wished alone") {
    CHECK(reading("", config_text(good(""))).remarks().empty());
    const auto wished = reading("", config_text(good("-o no_hashexpand"))).remarks();
    REQUIRE(wished.size() == 1);
    CHECK(wished.front().starts_with("-o hashexpand is accepted and ignored"));
}

TEST_CASE("--print-config says of each value where it comes from, in comments that read again") {
    const auto reader =
        reading("-m 100 -p 11311", "[memory]\nlimit = 32m\n[process]\nthreads = 2\n");
    const auto text = explained_config_text(reader);
    for (const auto* line : {"limit = 100m                            # command line\n",
                             "threads = 2                             # test.conf:4\n",
                             "backlog = 1024                          # default\n"}) {
        INFO(line);
        CHECK(text.find(line) != std::string::npos);
    }
    CHECK(config_text(good("", text)) == config_text(reader.options()));
    const auto udp = explained_config_text(reading("-U 5000"));
    CHECK(udp.find("port = 5000                             # follows from others\n") !=
          std::string::npos);
}

TEST_CASE("what the command line overrules in a file is known with its place") {
    const auto reader = reading("-m 100 -o idle_timeout=5 -t 3",
                                "[memory]\nlimit = 32m\n[limits]\nidle-timeout = 7s\n");
    CHECK(reader.overruled() ==
          std::vector<std::string>{
              "test.conf:2: limit has no effect, the command line (-m) is stronger",
              "test.conf:4: idle-timeout has no effect, the command line (--idle-timeout) is "
              "stronger"});
}

TEST_CASE("a plain number of bytes or time is refused but in memcached's own flags and words") {
    const auto reader = reading("--ack-timeout=70 --log-memory=64 -m 100 -I 1048576",
                                "[memory]\nlimit = 64\n[replication]\nsilence = 1000\n"
                                "sync-rate = 0\n[limits]\nidle-timeout = 30\n");
    std::vector<std::string> messages;
    for (const auto& problem : reader.problems())
        messages.push_back(problem.message);
    CHECK(messages ==
          std::vector<std::string>{
              "test.conf:2: limit: '64' needs a unit (k, m or g); was 64m meant?",
              "test.conf:4: silence: '1000' needs a unit (ms, s, m or h); was 1000ms meant?",
              "test.conf:7: idle-timeout: '30' needs a unit (ms, s, m or h); was 30s meant?",
              "ack-timeout: '70' needs a unit (ms, s, m or h); was 70ms meant?",
              "log-memory: '64' needs a unit (k, m or g); was 64m meant?"});
}

namespace {

// Files of a folder of their own.
class ConfigFolder {
  public:
    ConfigFolder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    ~ConfigFolder() { std::filesystem::remove_all(path_); }
    void write(const std::string& name, const std::string& content) const {
        const auto path = std::filesystem::path(path_) / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << content;
    }
    OptionReader read(const std::string& name) const {
        OptionReader reader(server_option_table(), path_);
        reader.read_file(name);
        read_command_line({}, reader);
        return reader;
    }

  private:
    std::string path_ = "/tmp/options-XXXXXX";
};

}  // namespace

TEST_CASE("a file includes a folder's files in their order, and each is stronger than it") {
    const ConfigFolder folder;
    folder.write("main.conf",
                 "include = conf.d\ninclude = one\n[process]\nthreads = 1\n[network]\nport = 1\n"
                 "backlog = 1\n");
    folder.write("conf.d/20.conf", "[process]\nthreads = 3\n");
    folder.write("conf.d/10.conf", "[process]\nthreads = 2\n[network]\nport = 2\n");
    folder.write("conf.d/30.conf.bak", "nonsense\n");
    folder.write("one", "[network]\nport = 4\n");
    const auto reader = folder.read("main.conf");
    CHECK(reader.problems().empty());
    CHECK(reader.options().get<SessionOptions>().threads == 3);
    CHECK(reader.options().get<ListenerOptions>().port == 4);
    CHECK(reader.options().get<ListenerOptions>().backlog == 1);
    CHECK(reader.origin_of("process", "threads").place == "conf.d/20.conf:2");
}

TEST_CASE("what is wrong with an include is named with its place") {
    const ConfigFolder folder;
    folder.write("main.conf", "include = missing\ninclude = inner.conf\n[memory]\ninclude = x\n");
    folder.write("inner.conf", "include = main.conf\n[memory]\nlimit = 1\n");
    std::vector<std::string> messages;
    const auto reader = folder.read("main.conf");
    for (const auto& problem : reader.problems())
        messages.push_back(problem.message);
    CHECK(messages == std::vector<std::string>{
                          "main.conf:4: include stands before the first [section]",
                          "main.conf:1: missing: No such file or directory",
                          "inner.conf:3: limit: '1' needs a unit (k, m or g); was 1m meant?",
                          "inner.conf:1: what is included includes nothing itself"});
    const auto at_hand = reading("", "include = /etc/x.conf\n");
    REQUIRE(at_hand.problems().size() == 1);
    CHECK(at_hand.problems().front().message == "test.conf:1: only a file may include another");
}

TEST_CASE("the option --print-config masks secrets") {
    const auto options = good("", "[replication]\nsecret = hush hush\n");
    CHECK(options.get<replication::ReplicationOptions>().secret == "hush hush");
    CHECK(config_text(options).find("hush") == std::string::npos);
}

TEST_CASE("the shipped file is accepted and differs from the defaults only in its listeners") {
    auto shipped = good("", default_config_text(server_option_table()));
    CHECK(shipped.get<ListenerOptions>().listen == std::vector<std::string>{"127.0.0.1", "::1"});
    shipped.edit<ListenerOptions>().listen.clear();
    CHECK(config_text(shipped) == config_text(good("")));
}

TEST_CASE("help names what is built in and nothing else") {
    const auto help = help_text(server_option_table());
    CHECK(help.find("unix-socket") != std::string::npos);
    for (const auto absent : {"ext_path", "proxy_config"}) {
        INFO(absent);
        CHECK(help.find(absent) == std::string::npos);
    }
    CHECK(help.find("-o  <value>") == std::string::npos);
    CHECK(help.find("secret: in the file only, section [replication]") != std::string::npos);
}

TEST_CASE("a file may be a credential, which lies where the service manager says") {
    constexpr auto variable = "CREDENTIALS_DIRECTORY";
    const std::string file =
        "[replication]\nsecret-file = %d/secret\n[access]\nauth-file = /%d/x\n";
    ::setenv(variable, "/run/credentials/one.service", 1);
    const auto options = good("", file);
    CHECK(options.get<replication::ReplicationOptions>().secret_file ==
          "/run/credentials/one.service/secret");
    CHECK(options.get<PasswordOptions>().auth_file == "/%d/x");  // only at the beginning
    ::unsetenv(variable);
    const auto without = reading("", file);
    REQUIRE(without.problems().size() == 1);
    CHECK(without.problems().front().message.starts_with(
        "test.conf:2: secret-file: '%d/secret' is a credential, and there are none"));
    // Of what is no file, it is a value like any other.
    CHECK(good("--cluster=%d/x").get<replication::ReplicationOptions>().cluster == "%d/x");
}

TEST_CASE("a complaint stays one line of text, whatever was written") {
    const std::string bell = "[commands]\nflush-all = y\ae\x1B[2J!\n";
    const auto reader = reading("", bell);
    REQUIRE(reader.problems().size() == 1);
    CHECK(
        reader.problems().front().message.starts_with("test.conf:2: flush-all must be yes or no"));
    for (const char c : reader.problems().front().message)
        CHECK(static_cast<unsigned char>(c) >= ' ');
}

TEST_CASE("help is made of sentences, and says what a plain number counts where it may stand") {
    const auto help = help_text(server_option_table());
    CHECK(help.find("A plain number counts MiB.") != std::string::npos);
    CHECK(help.find("A plain number counts seconds.") != std::string::npos);
    for (const auto& row : server_option_table().rows()) {
        if (row.use != lib::OptionUse::effective) continue;
        INFO(row.section << '.' << row.key << ": " << row.help);
        for (const auto text : {row.help, row.flag_help}) {
            if (text.empty()) continue;
            CHECK(text.back() == '.');
            CHECK_FALSE((text.front() >= 'a' && text.front() <= 'z' && text.front() != 'a'));
        }
        // Only memcached's own, whose users know it so.
        CHECK((row.plain_unit == 0 || row.letter != 0 || !row.word.empty()));
    }
}

TEST_CASE("the silence is at least two heartbeats") {
    CHECK(good("--heartbeat=200ms --silence=400ms").get<replication::pair::Timing>().silence ==
          milliseconds(400));
    const auto refused = reading("--heartbeat=200ms --silence=399ms");
    REQUIRE(refused.problems().size() == 1);
    CHECK(refused.problems().front().message == "silence must be at least twice the heartbeat");
}

}  // namespace twincached::app

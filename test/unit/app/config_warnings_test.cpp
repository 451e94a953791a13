#include "app/config_warnings.hpp"

#include "app/options/command_line.hpp"
#include "app/server_options.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

constexpr std::uint64_t gib = std::uint64_t{1} << 30;
const Machine roomy{64 * gib, 0, 1 << 20, 0, 4096};
// Nothing to regret: each case adds what it is about.
const std::string quiet = "-l 127.0.0.1 --buffer-memory=64m ";

Options options_of(const std::string& line) {
    OptionReader reader(server_option_table());
    std::istringstream words(line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;)
        arguments.push_back(word);
    read_command_line(arguments, reader);
    for (const auto& problem : reader.problems())
        UNSCOPED_INFO(problem.message);
    REQUIRE(reader.problems().empty());
    return reader.options();
}

Lines warnings(const std::string& line, const Machine& machine = roomy) {
    return config_warnings(options_of(line), machine);
}

Lines of_parts(const std::string& line, const Machine& machine = roomy) {
    const auto options = options_of(line);
    StartFiles files;
    files.secrets = *replication::secrets_of(options.get<replication::ReplicationOptions>());
    return warnings_of_parts(options, machine, files, 0);
}

// One warning, which begins so.
bool is_alone(const Lines& lines, std::string_view beginning) {
    for (const auto& line : lines)
        UNSCOPED_INFO(line);
    return lines.size() == 1 && lines.front().starts_with(beginning);
}

class Folder {
  public:
    Folder() : path_(fs::temp_directory_path() / ("twincached-" + std::to_string(::getpid()))) {
        fs::create_directory(path_);
    }
    ~Folder() { fs::remove_all(path_); }

    std::string file(const std::string& name, fs::perms mode) const {
        const auto path = path_ / name;
        std::ofstream(path) << "content\n";
        fs::permissions(path, mode);
        return path.string();
    }
    std::string path() const { return path_.string(); }

  private:
    fs::path path_;
};

constexpr auto owners = fs::perms::owner_read | fs::perms::owner_write;

}  // namespace

TEST_CASE("a configuration that nobody regrets warns of nothing") {
    CHECK(warnings(quiet).empty());
    CHECK(warnings("-s /run/x.sock --buffer-memory=64m -A").empty());
    CHECK(warnings("-l ::1,localhost,127.9.9.9 --buffer-memory=64m -A").empty());
    CHECK(of_parts(quiet).empty());
}

TEST_CASE("all interfaces without a login are warned of, however they are written") {
    constexpr auto beginning = "listen (-l): clients come in on all interfaces";
    for (const auto* listen : {"", "-l 0.0.0.0", "-l *", "-l [::]:11211", "-l 127.0.0.1,0.0.0.0"}) {
        INFO(listen);
        CHECK(is_alone(warnings(std::string("--buffer-memory=64m ") + listen), beginning));
    }
    CHECK(warnings("--buffer-memory=64m -l 10.0.0.1").empty());
    const auto login = warnings("--buffer-memory=64m -Y /nowhere");
    CHECK(is_alone(login, "auth-file (-Y), sasl (-S): passwords cross the network as they are"));
    CHECK(is_alone(warnings("--buffer-memory=64m -S"), "auth-file (-Y), sasl (-S)"));
    const std::string tls = "--buffer-memory=64m -Z -o ssl_chain_cert=/c,ssl_key=/k";
    CHECK(warnings(tls + " -Y /nowhere").empty());
    const std::string asks = tls + ",ssl_ca_cert=/a,ssl_verify_mode=";
    CHECK(warnings(asks + "2").empty());
    CHECK(is_alone(warnings(asks + "1"), beginning));  // asked for, not required
}

TEST_CASE("passwords and certificates that protect nobody, for a word is missing, are warned of") {
    CHECK(is_alone(warnings(quiet + "--sasl-file=/nowhere"), "sasl (-S) is off: nobody logs in"));
    CHECK(is_alone(warnings(quiet + "-Y /nowhere --sasl-file=/nowhere"), "sasl (-S) is off: "));
    CHECK(warnings(quiet + "-S --sasl-file=/nowhere").empty());
    for (const auto* words : {"ssl_chain_cert=/c,ssl_key=/k", "ssl_chain_cert=/c", "ssl_key=/k",
                              "ssl_ca_cert=/a", "ssl_verify_mode=2"}) {
        INFO(words);
        CHECK(is_alone(warnings(quiet + "-o " + words), "enabled of [tls] (-Z) is off: clients'"));
    }
    const std::string tls = "-Z -o ssl_chain_cert=/c,ssl_key=/k";
    CHECK(warnings(quiet + tls).empty());
    const auto asks = tls + ",ssl_ca_cert=/a";
    CHECK(is_alone(warnings(quiet + asks), "verify-mode of [tls] (-o ssl_verify_mode) is 0: "));
    CHECK(warnings(quiet + asks + ",ssl_verify_mode=1").empty());
    CHECK(warnings("--buffer-memory=64m -l mtls:127.0.0.1:11213 " + asks).empty());
}

TEST_CASE("UDP, an old TLS, a shutdown for everybody and proxies of everywhere are warned of") {
    CHECK(is_alone(warnings(quiet + "-U 11211 -p 11211"), "udp-port (-U): UDP has no logins"));
    CHECK(is_alone(warnings("--buffer-memory=64m -s /run/x.sock -U 11211"),
                   "udp-port (-U): with unix-socket (-s) no UDP port is opened"));
    CHECK(is_alone(warnings("--buffer-memory=64m -l 10.0.0.1 -A"), "shutdown (-A): "));
    const std::string tls = quiet + "-Z -o ssl_chain_cert=/c,ssl_key=/k,ssl_min_version=";
    CHECK(is_alone(warnings(tls + "tlsv1.1"), "min-version (-o ssl_min_version): tlsv1.1 "));
    CHECK(warnings(tls + "tlsv1.2").empty());
    for (const auto* all : {"0.0.0.0/0", "::/0", "10.0.0.0/8,::/0"}) {
        INFO(all);
        const auto lines = warnings(quiet + "--proxy-protocol-from=" + all);
        CHECK(is_alone(lines, "proxy-protocol-from: "));
    }
    CHECK(warnings(quiet + "--proxy-protocol-from=10.0.0.0/8,fd00::/8").empty());
}

TEST_CASE("an admin endpoint that other machines can reach is warned of") {
    CHECK(warnings(quiet + "--admin-listen=local,/run/admin.sock,127.0.0.1:11280").empty());
    CHECK(is_alone(warnings(quiet + "--admin-listen=local,10.0.0.1:11280"),
                   "listen of [admin] (--admin-listen) 10.0.0.1:11280: nobody logs in there"));
    CHECK(is_alone(warnings(quiet + "--admin-listen=0.0.0.0:11280"), "listen of [admin]"));
}

TEST_CASE("descriptors: as many as are needed are enough, one less is warned of") {
    auto machine = roomy;
    machine.descriptors = 1000 + 88 + 3 * 4;
    CHECK(warnings(quiet + "-c 1000 -t 4", machine).empty());
    --machine.descriptors;
    const auto lines = warnings(quiet + "-c 1000 -t 4", machine);
    CHECK(is_alone(lines,
                   "connections (-c) 1000: they take 1100 open files, and this process may "
                   "have 1099 (ulimit -n, LimitNOFILE= of the unit): 999 are served at a time"));
    machine.descriptors = 0;  // no limit
    CHECK(warnings(quiet + "-c 1000000", machine).empty());
}

TEST_CASE("a backlog above the kernel's is warned of") {
    CHECK(warnings(quiet + "-b 4096").empty());
    CHECK(is_alone(warnings(quiet + "-b 4097"), "backlog (-b) 4097: the kernel lets 4096 wait"));
}

TEST_CASE("memory above the machine's, or the control group's, is warned of, all of it together") {
    Machine machine = roomy;
    machine.memory_bytes = 2 * gib;
    const std::string line = "-l 127.0.0.1 --buffer-memory=48m ";
    CHECK(warnings(line + "-m 2000", machine).empty());
    CHECK(is_alone(warnings(line + "-m 2001", machine),
                   "limit of [memory] (-m), log-memory and buffer-memory are 2049 MiB together: "
                   "that is more than the memory of this machine, 2048 MiB"));
    CHECK(
        is_alone(warnings(line + "-m 2049", machine),
                 "limit of [memory] (-m) 2049 MiB: that is more than the memory of this machine"));
    // Bytes where a plain number counts MiB.
    CHECK(is_alone(warnings(line + "-m 2097152", machine),
                   "limit of [memory] (-m) 2097152 MiB: that is more than the memory of this "
                   "machine, 2048 MiB; for 2097152 bytes write 2m"));
    CHECK(warnings(line + "-m 2097153", machine).front().find("bytes") == std::string::npos);
    machine.memory_bytes = 16 * gib;  // a sixty-fourth
    CHECK(warnings(line + "-m 1048576", machine).front().find("bytes") == std::string::npos);
    machine.memory_bytes = 16 * gib - 1;
    CHECK(warnings(line + "-m 1048576", machine).front().find("bytes") != std::string::npos);
    machine.memory_bytes = 2 * gib;
    // The log of changes counts in a pair alone.
    const std::string pair = line + "-x 127.0.0.2 --node=a --log-memory=";
    CHECK(warnings(pair + "1000m -m 1000", machine).empty());
    CHECK(warnings(pair + "1001m -m 1000", machine).size() == 1);
    CHECK(warnings(line + "--log-memory=1001m -m 1000", machine).empty());
    machine.group_memory_bytes = gib;
    CHECK(is_alone(warnings(line + "-m 1025", machine),
                   "limit of [memory] (-m) 1025 MiB: that is more than what its control group"));
    CHECK(is_alone(warnings("-l 127.0.0.1 --buffer-memory=0 -m 64"), "buffer-memory: without a"));
}

TEST_CASE("a secret, passwords and keys that every user can read are warned of") {
    const Folder folder;
    const auto open = folder.file("open", owners | fs::perms::others_read);
    const auto shut = folder.file("shut", owners | fs::perms::group_read);
    const std::string pair = quiet + "-x 127.0.0.2 --node=a --secret-file=";
    CHECK(warnings(pair + shut).empty());
    CHECK(is_alone(warnings(pair + open), "secret-file: every user of this machine can read the "));
    CHECK(is_alone(warnings(quiet + "-Y " + open), "auth-file (-Y): every user"));
    CHECK(is_alone(warnings(quiet + "-S --sasl-file=" + open), "sasl-file: every user"));
    CHECK(is_alone(warnings(quiet + "-Z -o ssl_chain_cert=/c,ssl_key=" + open),
                   "key of [tls]: every user"));
    const std::string link = quiet + "-x 127.0.0.2 --node=a --link-tls --link-tls-certificate=/c " +
                             "--link-tls-ca=/a --link-tls-peer-name=x --link-tls-key=";
    CHECK(is_alone(warnings(link + open), "tls-key: every user"));
    std::ofstream(open) << "[replication]\nsecret = hidden\n";
    const auto lines = warnings(quiet + "--config=" + open);
    CHECK(is_alone(lines, "secret: every user of this machine can read the secret in " + open));
    CHECK(lines.front().find("hidden") == std::string::npos);
}

TEST_CASE("the warning of a file that others can read names them and the file's mode") {
    const Folder folder;
    const std::string pair = quiet + "-x 127.0.0.2 --node=a --secret-file=";
    const auto open = folder.file("open", owners | fs::perms::others_read);
    CHECK(is_alone(warnings(pair + open),
                   "secret-file: every user of this machine can read the "
                   "secret in " +
                       open + " (mode 0604; chmod go-rwx)"));
    const auto writable = folder.file("writable", owners | fs::perms::others_write);
    CHECK(is_alone(warnings(pair + writable), "secret-file: every user of this machine can write"));
    const std::string old = quiet +
                            "-x 127.0.0.2 --node=a --secret-file=/dev/null "
                            "--old-secret-file=";
    const auto lines = warnings(old + open);
    CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("old-secret-file: every user");
    }));
    if (::geteuid() != 0) return;
    const auto shared = folder.file("shared", owners | fs::perms::group_read);
    REQUIRE(::chown(shared.c_str(), 0, 4242) == 0);
    CHECK(is_alone(warnings(pair + shared), "secret-file: the group 4242 can read the secret in "));
}

TEST_CASE("a memory file for which there is no room is warned of, where there is a folder") {
    const Folder folder;
    CHECK(warnings(quiet + "-e " + folder.path() + "/items -m 2").empty());
    CHECK(is_alone(warnings(quiet + "-m 4000000 -e " + folder.path() + "/items", {0, 0, 0, 0, 0}),
                   "file of [memory] (-e): " + folder.path()));
    CHECK(warnings(quiet + "-e " + folder.path() + "/absent/items").empty());
}

TEST_CASE("a link that strangers can reach needs a secret or TLS") {
    constexpr auto beginning = "secret-file: no secret is set: whoever can use the address of ";
    const auto everywhere = quiet + "--link-listen=0.0.0.0:11212 ";
    CHECK(is_alone(of_parts(everywhere + "-x 10.0.0.2 --node=a"), beginning));
    CHECK(is_alone(of_parts(everywhere + "-x host-b --node=a"), beginning));
    CHECK(is_alone(of_parts("-x 127.0.0.2 --node=a"), beginning));  // the link is on all interfaces
    CHECK(of_parts(quiet + "-x 127.0.0.2 --node=a").empty());
    CHECK(of_parts(quiet).empty());
    const Folder folder;
    const auto secret = folder.file("secret", owners);
    CHECK(of_parts(everywhere + "-x 10.0.0.2 --node=a --secret-file=" + secret).empty());
}

TEST_CASE("a link that is not encrypted as meant is warned of") {
    const Folder folder;
    const auto secret = " --secret-file=" + folder.file("secret", owners);
    CHECK(of_parts(quiet + "-x localhost" + secret).empty());
    CHECK(of_parts("-l 10.0.0.1 -x host-b" + secret).empty());
    for (const auto* option : {"--link-tls-certificate=c", "--link-tls-key=k", "--link-tls-ca=a",
                               "--link-tls-peer-name=host-b"}) {
        CHECK(is_alone(of_parts("-l 10.0.0.1 -x host-b " + std::string(option) + secret),
                       "tls of [replication] (--link-tls) is off: the link is not encrypted"));
    }
}

TEST_CASE("a resync that does not end and a comparison that never pauses are warned of") {
    const std::string pair = quiet + "-x 127.0.0.2 --node=a ";
    CHECK(is_alone(of_parts(pair + "--sync-rate=1b"), "sync-rate is 1b a second: "));
    CHECK(is_alone(of_parts(pair + "--sync-rate=63k"), "sync-rate is 63k a second: "));
    CHECK(of_parts(pair + "--sync-rate=64k").empty());
    CHECK(of_parts(pair + "--sync-rate=0").empty());
    const std::string cluster = quiet + "--nats-servers=127.0.0.1 --node=0 --sync-rate=";
    CHECK(is_alone(of_parts(cluster + "1b"), "sync-rate is 1b a second: "));
    CHECK(of_parts(cluster + "64k").empty());
    CHECK(is_alone(of_parts(pair + "--scrub-interval=999ms"), "scrub-interval is 999ms: "));
    CHECK(of_parts(pair + "--scrub-interval=1s").empty());
    CHECK(of_parts(pair + "--scrub-interval=0").empty());
}

TEST_CASE("memory that may not be locked is warned of where -k asks for it") {
    auto machine = roomy;
    machine.locked_memory_bytes = 64 << 20;
    CHECK(of_parts(quiet + "-k -m 64", machine).empty());
    CHECK(
        is_alone(of_parts(quiet + "-k -m 65", machine), "lock-memory (-k): 64 MiB may be locked"));
    CHECK(of_parts(quiet + "-m 65", machine).empty());
}

TEST_CASE("this machine says what memory it has") {
    const auto machine = this_machine();
    CHECK(machine.memory_bytes > 64 * (std::uint64_t{1} << 20));
    CHECK(machine.group_memory_bytes < (std::uint64_t{1} << 62));
}

}  // namespace twincached::app

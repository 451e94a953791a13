// The pair's driver over real sockets: two replicators with two stores in one process, on loopback
// addresses and free ports. What happens is awaited by the drivers' own events.
#include "replication/pair/pair_options.hpp"
#include "replication/pair/timing.hpp"
#include "replication/registry.hpp"
#include "replication/replication_options.hpp"
#include "storage/store.hpp"
#include "test/support/failing_allocations.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

using namespace twincached;
using namespace std::chrono_literals;

namespace {

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) { REQUIRE(number_ >= 0); }
    ~Descriptor() { ::close(number_); }
    Descriptor(const Descriptor&) = delete;
    int get() const { return number_; }

  private:
    int number_;
};

sockaddr_in loopback(const char* host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

// A port that nobody listens on now.
std::uint16_t free_port(const char* host = "127.0.0.1") {
    const Descriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
    auto address = loopback(host, 0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(probe.get(), generic, size) == 0);
    REQUIRE(::getsockname(probe.get(), generic, &size) == 0);
    return ntohs(address.sin_port);
}

storage::Now real_now() {
    using namespace std::chrono;
    storage::Now now;
    now.steady_ms = static_cast<std::uint64_t>(
        duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count() + 2000);
    now.unix_seconds = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
    now.version_ms = static_cast<std::uint64_t>(
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count() -
        1735689600000);
    return now;
}

// How one node is set.
struct NodeOptions {
    lib::OptionStructs all = replication::default_options(replication::replicator_factories());
    std::string secret;

    NodeOptions() { all.edit<replication::ReplicationOptions>().driver = "pair"; }
    replication::pair::PairOptions& pair() { return all.edit<replication::pair::PairOptions>(); }
    replication::Setup setup(unsigned shards = 1) const {
        return {.options = all, .secret = secret, .shards = shards, .software_version = "test"};
    }
};

struct Node {
    const NodeOptions options;
    std::mutex mutex;
    std::condition_variable changed;
    std::string log;
    bool ready = false;
    std::string told_role;  // by the last change, and what the report said then
    std::string reported_role;
    std::unique_ptr<replication::Replicator> replicator;
    std::unique_ptr<storage::Store> store;

    // Of the thread of the link, from its next look at the clock on, until it has failed and looked
    // again.
    std::atomic<bool> lacks_memory{false};

    explicit Node(NodeOptions chosen) : Node(chosen, lib::KeyedHash(chosen.secret)) {}
    Node(NodeOptions chosen, const lib::KeyedHash& hash) : options(std::move(chosen)) {
        replication::Events events;
        events.now = [this] {
            thread_local std::unique_ptr<FailingAllocations> failing;
            if (failing && failing->has_failed()) failing.reset();
            if (lacks_memory.exchange(false)) {
                failing.reset();
                failing =
                    std::make_unique<FailingAllocations>(1, FailingAllocations::Kind::from_then_on);
            }
            return real_now();
        };
        events.log = [this](replication::LogLevel, std::string_view line) {
            const std::lock_guard lock(mutex);
            log.append(line).append("\n");
            changed.notify_all();
        };
        events.ready = [this] {
            const std::lock_guard lock(mutex);
            ready = true;
            changed.notify_all();
        };
        events.role_changed = [this](const replication::RoleChange& change) {
            auto role = stat("repl_role");
            const std::lock_guard lock(mutex);
            told_role = change.to == change.here ? "primary" : "secondary";
            reported_role = std::move(role);
            changed.notify_all();
        };
        auto store_options = storage::default_store_options();
        store_options.shards = 2;
        replicator = replication::make_replicator(
            replication::replicator_factories(),
            options.setup(storage::planned_shard_count(store_options)), events);
        store_options.node = replicator->node();
        store = std::make_unique<storage::Store>(store_options, hash, replicator->sink());
        replicator->start(*store);
    }
    ~Node() {
        replicator->stop();
        store.reset();
    }

    // True when the log holds it, after what was there at the last clear_log().
    bool says(std::string_view text, std::chrono::milliseconds limit = 5s) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, [&] { return log.find(text) != std::string::npos; });
    }
    void clear_log() {
        const std::lock_guard lock(mutex);
        log.clear();
    }
    bool becomes_ready() {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 5s, [&] { return ready; });
    }
    std::string reported() {
        const std::lock_guard lock(mutex);
        return reported_role;
    }
    // Whether a change to that role is told; until it is, the report may say either.
    bool is_told(std::string_view role) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 5s, [&] { return told_role == role; });
    }
    std::string stat(std::string_view name) const {
        std::string found = "(absent)";
        replicator->stats([&](const lib::Figure& figure, std::string_view value) {
            if (figure.name == name) found = value;
        });
        return found;
    }
    void set(std::string_view key, std::string_view value) {
        storage::Write write;
        write.value = value;
        REQUIRE(store->write(store->key(key), real_now(), write).outcome ==
                storage::WriteOutcome::stored);
    }
    std::string get(std::string_view key) {
        std::string value = "(miss)";
        store->get(store->key(key), real_now(),
                   [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }
    // What a client would do who waits for a write of the other node: no event tells it.
    bool comes_to_hold(std::string_view key, std::string_view value) {
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (get(key) != value) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }
};

std::unique_ptr<replication::Replicator> make(const NodeOptions& options) {
    return replication::make_replicator(replication::replicator_factories(), options.setup(), {});
}

// Two nodes that find each other.
struct PairOptions {
    NodeOptions a;
    NodeOptions b;
    std::uint16_t port_of_a = 0;
    std::uint16_t port_of_b = 0;

    // Hosts as they are written with a port; each listens on its own and calls the other's.
    explicit PairOptions(const std::string& host_of_a = "127.0.0.1",
                         const std::string& host_of_b = "127.0.0.2")
        : port_of_a(free_port("127.0.0.1")), port_of_b(free_port("127.0.0.2")) {
        a.pair().link_listen = b.pair().peer = host_of_a + ":" + std::to_string(port_of_a);
        b.pair().link_listen = a.pair().peer = host_of_b + ":" + std::to_string(port_of_b);
    }
    void listen_everywhere() {
        a.pair().link_listen = std::to_string(port_of_a);
        b.pair().link_listen = std::to_string(port_of_b);
    }
};

// A plain connection to the link's port; what it is sent until it is closed.
std::string answer_to(const std::string& said, std::uint16_t port) {
    const Descriptor stranger(::socket(AF_INET, SOCK_STREAM, 0));
    const auto address = loopback("127.0.0.1", port);
    REQUIRE(::connect(stranger.get(), reinterpret_cast<const sockaddr*>(&address),
                      sizeof address) == 0);
    (void)::send(stranger.get(), said.data(), said.size(), MSG_NOSIGNAL);
    std::string answer;
    char bytes[512];
    for (;;) {
        const auto count = ::recv(stranger.get(), bytes, sizeof bytes, 0);
        if (count <= 0) return answer;
        answer.append(bytes, static_cast<std::size_t>(count));
    }
}

}  // namespace

TEST_CASE("over real sockets two nodes are linked, and what one is told the other knows") {
    PairOptions options;
    options.a.secret = options.b.secret = GENERATE(as<std::string>{}, "", "opensesame");
    Node a(options.a);
    Node b(options.b);
    CHECK(a.replicator->node() == 0U);
    CHECK(b.replicator->node() == 1U);
    REQUIRE(a.becomes_ready());
    REQUIRE(b.becomes_ready());
    REQUIRE(a.says("-> LINKED"));
    REQUIRE(b.says("-> LINKED"));
    a.set("name", "repcached");
    CHECK(b.comes_to_hold("name", "repcached"));
    b.set("name", "twincached");
    CHECK(a.comes_to_hold("name", "twincached"));
    CHECK(a.stat("repl_state") == "LINKED");
    CHECK(a.stat("replication") == "MASTER");
    CHECK(b.stat("repl_peer") == options.b.all.get<replication::pair::PairOptions>().peer);
}

TEST_CASE("a node that comes back is refilled before it is ready, the survivor serves throughout") {
    const PairOptions options;
    auto a = std::make_unique<Node>(options.a);
    Node b(options.b);
    REQUIRE(b.says("-> LINKED"));
    a->set("kept", "1");
    REQUIRE(b.comes_to_hold("kept", "1"));
    a.reset();
    REQUIRE(b.says("serving alone as primary: "));
    b.set("while alone", "2");
    b.clear_log();
    a = std::make_unique<Node>(options.a);
    REQUIRE(a->becomes_ready());
    CHECK(a->get("kept") == "1");
    CHECK(a->get("while alone") == "2");
    CHECK(b.says("-> LINKED"));
    CHECK(a->stat("repl_role") == "secondary");
    CHECK(b.stat("repl_role") == "primary");
}

TEST_CASE("a node that drains hands over what it was told last, and is missed at once") {
    const PairOptions options;
    Node a(options.a);
    Node b(options.b);
    REQUIRE(a.says("-> LINKED"));
    REQUIRE(b.says("-> LINKED"));
    for (int i = 0; i < 1000; ++i)
        a.set("key" + std::to_string(i), "value");
    a.replicator->drain();
    CHECK(b.says("serving alone as primary: node ", 1s));
    CHECK(b.says(" shuts down (clean); after "));
    for (int i = 0; i < 1000; ++i)
        CHECK(b.get("key" + std::to_string(i)) == "value");
}

TEST_CASE("who is told of a change of the role reads it in the report, too") {
    const PairOptions options;
    Node a(options.a);
    Node b(options.b);
    REQUIRE(a.says("-> LINKED"));
    REQUIRE(b.says("-> LINKED"));
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!a.replicator->order(replication::Order::switch_over).is_taken) {
        REQUIRE(std::chrono::steady_clock::now() < end);  // in step, and not yet in the report
        std::this_thread::sleep_for(1ms);
    }
    REQUIRE(b.is_told("primary"));
    CHECK(b.reported() == "primary");
    REQUIRE(a.is_told("secondary"));
    CHECK(a.reported() == "secondary");
}

TEST_CASE("a new node beside one that hashes as older versions did hashes like it") {
    PairOptions options;
    options.a.secret = options.b.secret = "opensesame";
    const bool the_new_one_dials_first = GENERATE(false, true);
    auto& of_old = the_new_one_dials_first ? options.a : options.b;
    auto& of_new = the_new_one_dials_first ? options.b : options.a;
    const lib::KeyedHash old_hash("opensesame");
    const auto new_hash = lib::KeyedHash::of_secret("opensesame");
    of_old.all.edit<replication::pair::Timing>().boot_grace = 1ms;
    Node old(of_old, old_hash);
    REQUIRE(old.becomes_ready());
    old.set("name", "old");
    {
        Node fresh(of_new, new_hash);
        REQUIRE(fresh.says("keys hash as on node "));
        REQUIRE(fresh.says("-> LINKED"));
        CHECK(fresh.get("name") == "old");
        CHECK(fresh.store->key("name").hash == old_hash("name"));
        fresh.set("name", "new");
        CHECK(old.comes_to_hold("name", "new"));
    }
    // A node that keeps items hashed otherwise does not, and says what is to be done.
    of_new.all.edit<replication::pair::Timing>().boot_grace = 1ms;
    const std::string host_of_old = the_new_one_dials_first ? "127.0.0.1:" : "127.0.0.2:";
    of_new.pair().peer = host_of_old + std::to_string(free_port("127.0.0.3"));
    Node alone(of_new, new_hash);
    REQUIRE(alone.becomes_ready());
    alone.set("name", "alone");
    auto meets = of_old;
    meets.pair().link_listen = of_new.pair().peer;
    old.replicator->stop();
    Node other(meets, old_hash);
    CHECK(alone.says("the nodes hash keys differently, for one of them began with another secret"));
    CHECK(alone.get("name") == "alone");
}

TEST_CASE("a thread of the link that finds no memory gives the link up, and links again") {
    const PairOptions options;
    Node a(options.a);
    Node b(options.b);
    REQUIRE(a.says("-> LINKED"));
    REQUIRE(b.says("-> LINKED"));
    a.clear_log();
    b.clear_log();
    // Not everything that the thread does between two looks at the clock needs memory.
    for (int i = 0; !a.says("there was no memory for the link: it was given up", 200ms); ++i) {
        REQUIRE(i < 50);
        a.lacks_memory = true;
        a.set("key", "value" + std::to_string(i));
    }
    a.lacks_memory = false;
    REQUIRE(a.says("-> LINKED"));
    REQUIRE(b.says("-> LINKED"));
    CHECK(a.stat("repl_no_memory") != "0");
    CHECK(b.stat("repl_no_memory") == "0");
    a.set("key", "after");
    CHECK(b.comes_to_hold("key", "after"));
    b.set("other", "before");
    CHECK(a.comes_to_hold("other", "before"));
}

TEST_CASE("a value of the largest size goes over the link") {
    const PairOptions options;
    Node a(options.a);
    Node b(options.b);
    REQUIRE(b.says("-> LINKED"));
    const std::string value((1 << 20) - 512, 'v');
    a.set("large", value);
    CHECK(b.comes_to_hold("large", value));
}

TEST_CASE("a node without a peer is ready when start returns, and keeps hybrid versions") {
    Node node{NodeOptions()};
    CHECK(node.ready);
    CHECK(node.replicator->node() == 0U);
    CHECK(node.stat("repl_state") == "STANDALONE");
}

TEST_CASE("two nodes on all interfaces that know each other by name are linked") {
    PairOptions options("localhost", "localhost");
    options.listen_everywhere();
    Node a(options.a);
    Node b(options.b);
    // Who is which follows from the addresses that the names stand for, once these are known.
    CHECK(a.says("-> LINKED"));
    CHECK(b.says("-> LINKED"));
    CHECK(*a.replicator->node() + *b.replicator->node() == 1U);
}

TEST_CASE("two nodes are linked over IPv6") {
    const PairOptions options("[::1]", "[::1]");
    Node a(options.a);
    Node b(options.b);
    CHECK(a.says("-> LINKED"));
    CHECK(b.says("-> LINKED"));
}

TEST_CASE("a link port that is taken is an error at start") {
    const PairOptions options;
    Node a(options.a);
    auto again = options.a;
    CHECK_THROWS_AS(Node(again), std::system_error);
}

TEST_CASE("a peer whose name does not resolve keeps a node neither from serving nor from ending") {
    PairOptions options;
    options.a.pair().peer = "no.such.host.invalid";
    options.a.all.edit<replication::pair::Timing>().boot_grace = 100ms;
    Node a(options.a);
    CHECK(a.becomes_ready());
    CHECK(a.stat("repl_node").empty());
    a.set("name", "twincached");
    CHECK(a.get("name") == "twincached");
    options.a.pair().node = "b";
    CHECK(make(options.a)->node() == 1U);
}

// Its versions are of nobody else, whichever of the two it turns out to be.
TEST_CASE(
    "a node that does not know the peer's address is told by the peer which of the two it is") {
    PairOptions options;
    options.a.secret = options.b.secret = "opensesame";
    const bool is_first = GENERATE(true, false);
    auto& late = is_first ? options.a : options.b;
    late.pair().peer = "no.such.host.invalid";
    late.all.edit<replication::pair::Timing>().boot_grace = 0ms;
    auto unknowing = std::make_unique<Node>(late);
    CHECK(unknowing->replicator->node() >= 2U);
    REQUIRE(unknowing->becomes_ready());
    unknowing->set("alone", "1");
    Node knowing(is_first ? options.b : options.a);
    REQUIRE(knowing.says("-> LINKED"));
    CHECK(knowing.comes_to_hold("alone", "1"));
    knowing.set("of the other", "2");
    CHECK(unknowing->comes_to_hold("of the other", "2"));
    unknowing->set("of the other", "3");
    CHECK(knowing.comes_to_hold("of the other", "3"));
    CHECK(unknowing->says(is_first ? "this node is a: " : "this node is b: "));
}

TEST_CASE("a peer's address that is this node's own is an operator's mistake, a name is not") {
    PairOptions options("127.0.0.1", "127.0.0.1");
    options.a.pair().peer = options.a.pair().link_listen;
    CHECK_THROWS_AS(make(options.a), std::invalid_argument);
    options.a.pair().peer = "localhost:" + std::to_string(options.port_of_a);
    CHECK(make(options.a)->node() >= 2U);
}

TEST_CASE("without a secret only the peer's address may call") {
    const PairOptions options;
    Node a(options.a);
    CHECK(a.says("no secret is set"));
    CHECK(answer_to("", options.port_of_a).empty());
    CHECK(a.says("refused 127.0.0.1 on the link port: it is not the address of "));
}

TEST_CASE("with a secret a stranger is told nothing and closed at its first wrong byte") {
    PairOptions options;
    options.a.secret = "opensesame";
    Node a(options.a);
    CHECK(answer_to("GET / HTTP/1.0\r\n\r\n", options.port_of_a).empty());
    CHECK(a.says("on the link port: the bytes are no frame"));
}

TEST_CASE("no key of the report has a colon in it") {
    const PairOptions options;
    Node a(options.a);
    int keys = 0;
    a.replicator->stats([&](const lib::Figure& figure, std::string_view) {
        CHECK(figure.name.find(':') == std::string_view::npos);
        ++keys;
    });
    CHECK(keys > 30);
}

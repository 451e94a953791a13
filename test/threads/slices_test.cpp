// What a frame holds is the peer's to say; for how long a client waits for a shard because of it is
// not: the work is done in slices, with the lock let go in between.
#include "test/unit/replication/hostile_peer.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

using Clock = std::chrono::steady_clock;

// A client of the node's one shard, on a thread of its own, who asks again and again.
class Client {
  public:
    explicit Client(HostilePeer& node)
        : store_(node.store), now_(node.now), thread_([this] { ask_on(); }) {
        while (asked_.load() == 0)
            std::this_thread::yield();
    }
    ~Client() {
        ended_ = true;
        thread_.join();
    }
    // The longest that it has waited since it was last asked for it.
    Clock::duration take_longest() { return Clock::duration(longest_.exchange(0)); }

  private:
    void ask_on() {
        const auto key = store_.key("whatever");
        while (!ended_.load()) {
            const auto began = Clock::now();
            store_.peek(key, now_, [](const storage::ItemView&) {});
            const auto waited = (Clock::now() - began).count();
            if (waited > longest_.load()) longest_.store(waited);
            ++asked_;
        }
    }

    storage::Store& store_;
    const storage::Now now_;
    std::atomic<Clock::rep> longest_{0};
    std::atomic<std::uint64_t> asked_{0};
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

// The machine may keep a thread waiting, too, so the best of some attempts counts: work that is
// done under one hold of the lock makes the client wait for most of it at each.
bool lets_clients_in(HostilePeer& peer, const std::function<void()>& say) {
    constexpr int attempts = 30;
    Client client(peer);
    for (int i = 0; i < attempts; ++i) {
        client.take_longest();
        const auto began = Clock::now();
        say();
        const auto took = Clock::now() - began;
        REQUIRE(peer.engine.has_session());
        if (client.take_longest() * 5 < took) return true;
    }
    return false;
}

std::vector<BucketItem> many_items(storage::BucketNumber bucket) {
    std::vector<BucketItem> items;
    for (std::uint64_t i = 0; i < list_items_limit; ++i)
        items.push_back({(std::uint64_t{bucket} << 48) | i, (i + 1) << 13});
    return items;
}

std::string one_bucket_again_and_again() {
    return std::string(frame_payload_limit, '\0');
}

}  // namespace

TEST_CASE("a list of as many items as a frame holds makes no client wait for most of it") {
    HostilePeer peer;
    REQUIRE(peer.begin_session());
    const auto items = many_items(7);
    CHECK(lets_clients_in(peer, [&] { peer.say_list(7, 0, items); }));
}

TEST_CASE("requests for as many lists as a frame holds make no client wait for most of them") {
    HostilePeer peer;
    REQUIRE(peer.begin_session());
    const auto requests = one_bucket_again_and_again();
    CHECK(lets_clients_in(peer, [&] { peer.say_frame(FrameType::digest, 0, requests); }));
}

TEST_CASE("wishes for as many items as a frame holds make no client wait for most of them") {
    HostilePeer peer;
    REQUIRE(peer.begin_session());
    const std::vector<std::uint64_t> wants(ack_wants_limit, 1);
    CHECK(lets_clients_in(peer, [&] { peer.say(Ack{0, 0, wants}); }));
}

TEST_CASE("a list drops what is older than its floor, and nothing that is newer") {
    HostilePeer peer;
    REQUIRE(peer.serves());
    REQUIRE(peer.begin_session());
    const auto hash = peer.store.key("a client's key").hash;
    const auto floor = (peer.now.version_ms - 1) << 23;
    peer.say_list(storage::bucket_of(hash), floor, {});
    CHECK(peer.store.peek(peer.store.key("a client's key"), peer.now,
                          [](const storage::ItemView&) {}));
    peer.say_list(storage::bucket_of(hash), floor + (std::uint64_t{2} << 23), {});
    CHECK_FALSE(peer.store.peek(peer.store.key("a client's key"), peer.now,
                                [](const storage::ItemView&) {}));
}

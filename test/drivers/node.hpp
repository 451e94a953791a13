// One node of the driver under test: its replicator and its store, as the program puts them
// together, with the means to wait for what happens. Used by one test's thread.
#pragma once

#include "replication/registry.hpp"
#include "storage/shard/saved_item.hpp"
#include "storage/store.hpp"
#include "test/drivers/subjects.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::test {

storage::Now now();

// Counts whatever happens in any node of a test, so that a test can wait for the next thing and
// look again. What is waited for is looked at without the lock: it may take locks of its own.
class Happenings {
  public:
    void happen();
    // The limit bounds how busy the machine may be, not the product: only a failure takes as long.
    template <class Condition>
    bool await(Condition condition, std::chrono::milliseconds limit = std::chrono::minutes(2)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        for (;;) {
            const auto seen = count();
            if (condition()) return true;
            if (std::chrono::steady_clock::now() >= end) return false;
            wait_for_more_than(seen);
        }
    }

  private:
    // A store tells nobody that a flush for later has come, or that it was asked for: who waits for
    // what makes no event looks again after this long.
    static constexpr std::chrono::milliseconds between_looks{20};

    std::uint64_t count();
    void wait_for_more_than(std::uint64_t seen);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t count_ = 0;
};

// What a node leaves behind at an orderly stop.
struct Kept {
    std::string remembered;
    std::optional<unsigned> node;
    storage::Store::Registers registers;
    std::vector<std::pair<std::string, std::string>> items;  // head, value
};

class Node {
  public:
    // Runs from here on, with the items that were kept if there are any.
    Node(NodeOptions options, Happenings& happenings, const Kept* kept = nullptr);
    ~Node();

    replication::Replicator& replicator() { return *replicator_; }
    storage::Store& store() { return *store_; }
    bool is_ready();
    unsigned times_ready();
    std::string log();
    std::map<std::string, std::string> report() const;

    storage::Ticket set(std::string_view key, std::string_view value);
    void remove(std::string_view key);
    void flush();
    // flush_all N.
    void flush_in(std::chrono::milliseconds delay);
    // What upkeep does when its clock says that so much time has passed.
    void do_upkeep_after(std::chrono::milliseconds delay);
    bool has(std::string_view key);
    std::string get(std::string_view key);  // "(miss)"
    // Every key with the version of its item.
    std::map<std::string, storage::Version> contents();

    // Ends it in order.
    Kept stop_and_keep();

  private:
    class Sink;

    const NodeOptions options_;
    Happenings& happenings_;
    std::mutex mutex_;
    unsigned times_ready_ = 0;
    std::string log_;
    std::unique_ptr<replication::Replicator> replicator_;
    std::unique_ptr<Sink> sink_;
    std::unique_ptr<storage::Store> store_;
};

}  // namespace twincached::test

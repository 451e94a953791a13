// What every dialect does with the store, counted the same way whatever dialect asked: the only
// road from a client to its data. It knows no wire word and no line. One per conversation, called
// by the thread that owns it.
#pragma once

#include "protocol/execution/service.hpp"
#include "protocol/execution/ticket_list.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace twincached::protocol {

// Where an executor's commands come from.
struct ClientOrigin {
    int connection = -1;     // as `cfd` in watchers' lines
    Waker* waker = nullptr;  // null: this client cannot watch
};

class Executor {
  public:
    // Keys that are looked up together; more are cut into batches.
    static constexpr std::size_t batch_limit = 32;

    Executor(Service& service, ThreadCounters& counters, const ClientOrigin& origin) noexcept;

    // Calls `visit` once for every key, in order; nullptr stands for a miss.
    // REQUIRES: keys.size() <= batch_limit.
    using BatchVisitor = lib::FunctionRef<void(std::size_t, const storage::ItemView*)>;
    void get_many(std::span<const std::string_view> keys, const storage::Now& now,
                  BatchVisitor visit) noexcept;
    // gat: false on a miss.
    bool get_and_touch(std::string_view key, const storage::Now& now, storage::Expiry expiry,
                       storage::ItemVisitor visit) noexcept;
    bool touch(std::string_view key, const storage::Now& now, storage::Expiry expiry,
               storage::ItemVisitor visit) noexcept;
    // The meta get.
    bool read(std::string_view key, const storage::Now& now, const storage::Read& request,
              storage::ReadVisitor visit) noexcept;

    // `reserved` holds the value if it was read straight into the store's memory, else null.
    storage::WriteResult write(std::string_view key, const storage::Now& now,
                               const storage::Write& request,
                               storage::ValueReservation* reserved) noexcept;
    // A value that is refused before it arrived. A set's key then loses what it held, lest the old
    // value pass for the new one; whoever said add, replace, append or cas reckons with a refusal.
    struct RefusedWrite {
        std::string_view key;
        bool is_set = false;
        bool too_large = false;  // else there is no memory for it
    };
    void refuse_write(const RefusedWrite& refused, const storage::Now& now) noexcept;
    storage::ArithmeticResult arithmetic(std::string_view key, const storage::Now& now,
                                         const storage::Arithmetic& request) noexcept;
    storage::RemoveResult remove(std::string_view key, const storage::Now& now,
                                 const storage::Remove& request,
                                 std::string_view verb = "delete") noexcept;
    // 0 or a negative exptime: at once. Otherwise when that time has come.
    void flush(std::int64_t exptime, const storage::Now& now) noexcept;

    // Null if there are too many watchers, or this client cannot be one.
    std::unique_ptr<Watcher> watch(WatchTopics topics) noexcept;
    bool can_watch() const noexcept { return origin_.waker != nullptr; }

    // Zeroes all counters, of all threads, as `stats reset` does.
    void reset_stats() noexcept;

    bool is_read_only() const noexcept {
        return service_.shared().read_only.load(std::memory_order_relaxed);
    }

    // Changes whose answers must wait for the peer; null: none does.
    TicketList* tickets() noexcept { return tickets_.get(); }
    const TicketList* tickets() const noexcept { return tickets_.get(); }

    storage::Store& store() noexcept { return store_; }
    Service& service() noexcept { return service_; }
    ThreadCounters& counters() noexcept { return counters_; }
    // What a client sees of an item's CAS unique.
    std::uint64_t shown_cas(std::uint64_t cas) const noexcept {
        return settings_.cas_enabled ? cas : 0;
    }
    const Settings& settings() const noexcept { return settings_; }

    static std::uint64_t accounted_bytes(const storage::ItemView& item) noexcept {
        return storage::accounted_bytes(item.key.size(), item.value.size(), item.client_flags);
    }
    unsigned class_of(const storage::ItemView& item) const noexcept {
        return classes_.of(accounted_bytes(item));
    }

  private:
    void note(const storage::Ticket& ticket) {
        if (tickets_ != nullptr) tickets_->note(ticket);
    }
    void count(Count name, std::uint64_t amount = 1) noexcept {
        counters_.totals.add(name, amount);
    }
    void count_in_class(unsigned size_class, ClassCount name) noexcept {
        counters_.classes[size_class].add(name);
    }
    // What watchers are told, if there are any.
    void tell_found(const storage::ItemView& item) noexcept;
    void tell_missed(std::string_view key, storage::Miss miss) noexcept;
    void tell_looked_up(const storage::Key& key, const storage::Now& now) noexcept;
    void tell_written(std::string_view key, const storage::Write& request, std::uint64_t bytes,
                      const storage::WriteResult& result, const storage::Now& now) noexcept;
    void tell_vivified(std::string_view key, storage::Expiry expiry, std::uint64_t size,
                       const storage::Now& now) noexcept;
    void tell_removed(std::string_view key, const storage::Remove& request,
                      const storage::RemoveResult& result, std::string_view verb) noexcept;

    // For `stats hotkeys`, sampled.
    void note_use(std::string_view key, std::uint64_t value_bytes) noexcept {
        if (!hot_keys_.is_enabled() || !counters_.sampler.is_due()) return;
        hot_keys_.note(key, settings_.prefix_delimiter, value_bytes);
    }
    void count_prefix(std::string_view key, bool hit) noexcept;
    // What sets a new expiry counts as a touch and not as a get, also when it reads (gat, mg T).
    void count_touch(bool hit) noexcept;
    void count_miss(storage::Miss miss) noexcept;
    void count_written(unsigned size_class, const storage::Write& request,
                       storage::WriteOutcome outcome) noexcept;

    Service& service_;
    storage::Store& store_;
    const Settings& settings_;
    PrefixStats& prefixes_;
    const storage::SizeClasses& classes_;
    WatchLog& watch_log_;
    HotKeys& hot_keys_;
    ThreadCounters& counters_;
    const ClientOrigin origin_;
    std::unique_ptr<TicketList> tickets_;
};

}  // namespace twincached::protocol

// What every dialect does with the store: the only road from a client to its data. It knows no wire
// word and no line, asks the store, lets the recorder note what became of it, and keeps the tickets
// of changes whose answers must wait for the peer. One per conversation, called by the thread that
// owns it.
//
// Visitors run under a shard's lock: they copy or pin what they need and call nothing that locks.
//
// Where another node decides (arbitrate), a change asks it: then is_undecided() is true, and what
// the call returned means nothing. The verb is suspended, and calls again with the same request.
//
// What reads or changes items throws std::bad_alloc where there is no memory for the answer, or for
// the note that it must wait; what was done to the store is done then.
#pragma once

#include "protocol/execution/client_origin.hpp"
#include "protocol/execution/command_recorder.hpp"
#include "protocol/execution/elsewhere.hpp"
#include "protocol/execution/service.hpp"
#include "protocol/execution/ticket_list.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace twincached::protocol {

class Executor {
  public:
    // Keys that are looked up together; more are cut into batches.
    static constexpr std::size_t batch_limit = 32;

    // Both must outlive it. `counters` belong to the calling thread.
    Executor(Service& service, ThreadCounters& counters, const ClientOrigin& origin);

    // --- reads ---
    // Plain gets and plain meta gets, which differ in whether they claim a recache. Calls `visit`
    // once for every key, in order; nullptr stands for a miss. Ends before the first whose recache
    // would be claimed here and is another node's to give: that one is for read(). Returns how many
    // it has dealt with. REQUIRES: keys.size() <= batch_limit.
    enum class Claims : std::uint8_t { nothing, recache };
    using BatchVisitor =
        lib::FunctionRef<void(std::size_t, const storage::ItemView*, const storage::ReadMarks&)>;
    std::size_t get_many(std::span<const std::string_view> keys, const storage::Now& now,
                         Claims claims, BatchVisitor visit);
    // gat: false on a miss.
    bool get_and_touch(std::string_view key, const storage::Now& now, storage::Expiry expiry,
                       storage::ItemVisitor visit);
    bool touch(std::string_view key, const storage::Now& now, storage::Expiry expiry,
               storage::ItemVisitor visit);
    // The meta get: also what it makes of a miss if it is asked to (N) is visited, and is a hit.
    bool read(std::string_view key, const storage::Now& now, const storage::Read& request,
              storage::ReadVisitor visit);

    // --- changes ---
    // `reserved` holds the value if it was read straight into the store's memory, else null.
    storage::WriteResult write(std::string_view key, const storage::Now& now,
                               const storage::Write& request, storage::ValueReservation* reserved);
    // A value that is refused before it arrived. A set's key then loses what it held, lest the old
    // value pass for the new one; whoever said add, replace, append or cas reckons with a refusal.
    struct RefusedWrite {
        std::string_view key;
        bool is_set = false;
        bool too_large = false;  // else there is no memory for it
    };
    void refuse_write(const RefusedWrite& refused, const storage::Now& now) noexcept;
    storage::ArithmeticResult arithmetic(std::string_view key, const storage::Now& now,
                                         const storage::Arithmetic& request);
    // `verb`: what watchers read.
    storage::RemoveResult remove(std::string_view key, const storage::Now& now,
                                 const storage::Remove& request, std::string_view verb = "delete");
    // 0 or a negative exptime: at once. Otherwise when that time has come.
    void flush(std::int64_t exptime, const storage::Now& now);
    // Counted all the same, as memcached does.
    void refuse_flush() noexcept { recorder_.flushed(); }

    // --- what another node decides ---
    // Of the call before; to be looked at before its result is.
    bool is_undecided() const noexcept { return elsewhere_.is_undecided(); }
    Undecided take_undecided() noexcept { return elsewhere_.take_why(); }
    const Elsewhere& elsewhere() const noexcept { return elsewhere_; }

    // --- what else a client may ask for ---
    // Null if there are too many watchers, or this client cannot be one.
    std::unique_ptr<Watcher> watch(WatchTopics topics) noexcept;
    const ClientOrigin& origin() const noexcept { return origin_; }

    // Changes whose answers must wait for the peer; null: none does.
    TicketList* tickets() noexcept { return tickets_.get(); }
    const TicketList* tickets() const noexcept { return tickets_.get(); }

    storage::Store& store() noexcept { return store_; }
    Service& service() noexcept { return service_; }
    const Settings& settings() const noexcept { return settings_; }
    ThreadCounters& counters() noexcept { return recorder_.counters(); }
    const CommandRecorder& recorder() const noexcept { return recorder_; }

  private:
    void note(const storage::Ticket& ticket) {
        if (tickets_ != nullptr) tickets_->note(ticket);
    }

    storage::Arbiter* arbiter() const noexcept { return service_.shared().arbiter; }
    bool asks(bool is_conditional) const noexcept {
        return arbiter() != nullptr && elsewhere_.asks(*arbiter(), is_conditional);
    }
    storage::ReadResult read_or_ask(const storage::Key& key, const storage::Now& now,
                                    const storage::Read& request, storage::ReadVisitor visit);
    storage::ReadResult read_elsewhere(const storage::Key& key, const storage::Now& now,
                                       const storage::Read& request, storage::ReadVisitor visit);

    Service& service_;
    storage::Store& store_;
    const Settings& settings_;
    CommandRecorder recorder_;
    const ClientOrigin origin_;
    std::unique_ptr<TicketList> tickets_;
    Elsewhere elsewhere_;
};

}  // namespace twincached::protocol

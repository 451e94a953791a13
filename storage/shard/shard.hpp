// One shard: a part of all keys with everything that belongs to them - slabs, index, eviction
// queues, version clock - behind one lock, which Store holds. Plain single-threaded code: it
// knows no thread, and its tests need none.
//
// Every change is reported to the MutationSink before the call returns (rule R0).
#pragma once

#include "lib/function_ref.hpp"
#include "storage/operations.hpp"
#include "storage/shard/saved_item.hpp"
#include "storage/shard/table.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace twincached::storage {

using ItemVisitor = lib::FunctionRef<void(const ItemView&)>;
using SavedItemVisitor = lib::FunctionRef<bool(const SavedItem&)>;
using ReadVisitor = lib::FunctionRef<void(const ItemView&, const ReadMarks&)>;

// What a storing operation draws on beyond its shard. If the shard lacks something it says so here,
// changes nothing and answers no_memory; Store provides it without the shard's lock and tries
// again.
struct Supply {
    ExtentNumber extent = 0;  // the shard takes it over, and sets it to 0, if it uses it
    bool is_filled = false;   // the extent holds the whole value already
    bool insist = false;      // there is no more to be had: make do, or fail for good
    std::uint64_t lacks_extent_bytes = 0;
    bool lacks_slab = false;

    bool lacks() const noexcept { return lacks_slab || lacks_extent_bytes != 0; }
};

struct ShardLimits {
    std::uint64_t item_size = 1ULL << 20;  // as memcached accounts items
    std::uint32_t large_value = 8 << 10;   // a larger value has an extent of its own
};

enum class RestoreOutcome : std::uint8_t {
    restored,
    gone,       // expired or flushed meanwhile
    no_memory,  // or larger than items may be
};

class Shard {
  public:
    Shard(const TableContext& context, VersionClock clock, const ShardLimits& limits);

    // What replication does with a shard, under its lock (Store::with_shard).

    // Applies the peer's item if its version is higher than all that is known here (rule R4). An
    // item that cannot be stored still removes an older one. A large value that this shard alone
    // cannot make room for, Store::apply can.
    ApplyOutcome apply(const Record& record, const Now& now) noexcept;
    // Applies the peer's delete: removes what is older. Remembers nothing (the peer does).
    ApplyOutcome apply_delete(const Key& key, Version version, const Now& now) noexcept;
    // Applies the peer's touch if the item's write version is the one meant; false if the whole
    // item is wanted instead.
    bool apply_touch(const Key& key, Version version, Expiry expiry, const Now& now) noexcept;
    // Fetches what looking these up will read, all at once.
    void prefetch(std::span<const std::uint64_t> hashes) const noexcept;
    // A hint of another node's: its clients have used the item. It is spared as long as if it had
    // been used here, but that is no access of this node, and nobody is told.
    void apply_hint(std::uint64_t hash, const Now& now) noexcept;
    // Drops an item because the peer may know something newer of it (rule R9).
    void drop_in_doubt(const Key& key, const Now& now) noexcept;

    // The live item of that key, without any mark of access; false if there is none.
    bool peek(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    // The same by hash alone (all keys of that hash, in practice one), but for what has expired:
    // it is dropped, and the sink is told. Silence about it where the peer asks for it, as in a
    // list of its bucket, would leave the peer with something older for ever.
    bool peek_hash(std::uint64_t hash, const Now& now, ItemVisitor visit) noexcept;
    // Every live item of a replication bucket of this shard; the same for what has expired.
    void visit_bucket(BucketNumber bucket, const Now& now, ItemVisitor visit) noexcept;

    void observe(Version version) noexcept { clock_.observe(version); }
    std::uint64_t version_time() const noexcept { return clock_.time(); }
    Version flush_version() const noexcept { return table_.flush_version(); }

    // What Store does with a shard for clients.

    ReadResult get(const Key& key, const Now& now, ItemVisitor visit) noexcept;
    ReadResult read(const Key& key, const Now& now, const Read& request, ReadVisitor visit,
                    Supply& supply) noexcept;
    ReadResult touch(const Key& key, const Now& now, Expiry expiry) noexcept;
    WriteResult write(const Key& key, const Now& now, const Write& request,
                      Supply& supply) noexcept;
    ArithmeticResult add(const Key& key, const Now& now, const Arithmetic& request,
                         Supply& supply) noexcept;
    RemoveResult remove(const Key& key, const Now& now, const Remove& request,
                        Supply& supply) noexcept;
    void drop_failed_write(const Key& key, const Now& now) noexcept;
    // Warm restart; see Store. False if the visitor ended it.
    bool save(SavedItemVisitor visit) noexcept;
    RestoreOutcome restore(const SavedItem& saved, const Key& key, const Now& now,
                           Supply& supply) noexcept;
    void pass_time(std::uint64_t version_time) noexcept { clock_.pass_time(version_time); }
    ApplyOutcome apply(const Record& record, const Now& now, Supply& supply) noexcept;

    Version next_write(const Now& now) noexcept { return clock_.next_write(now.version_ms); }
    void flush(Version version) noexcept;
    // Visits the live items of one index bucket; the hash to go on with, none at the shard's end.
    std::optional<std::uint64_t> visit(std::uint64_t hash, const Now& now,
                                       ItemVisitor visit) noexcept;

    Table& table() noexcept { return table_; }
    const Table& table() const noexcept { return table_; }

  private:
    // The value to be stored: up to two parts, one of which may lie in the old item; or what the
    // old item has, unchanged.
    struct Value {
        std::string_view front;
        std::string_view back;
        bool aliases_old = false;
        bool is_kept = false;

        std::uint64_t bytes() const noexcept { return front.size() + back.size(); }
        void copy_to(char* to) const noexcept;
    };
    struct Storing {
        explicit Storing(const Key& stored_key) noexcept : key(stored_key) {}

        const Key& key;
        ItemForm form;
        Value value;
        Item* old = nullptr;             // what the key holds; after `done` the new item
        std::optional<Version> version;  // none: a new one is allotted
        Cause cause = Cause::local_write;
        std::optional<Queue> queue;
        Ticket ticket;
    };
    // After anything but `done`, items may have moved or gone: look again.
    enum class Stored : std::uint8_t { done, again, lacking, failed };
    enum class Verdict : std::uint8_t { store, store_stale, not_stored, exists, not_found };

    struct Found {
        Item* item = nullptr;
        Miss miss = Miss::none;
    };
    Found find_live(const Key& key, const Now& now) noexcept;
    ItemView view(Item& item, std::uint64_t hash) const noexcept;
    ItemForm form_of(const Key& key, const Now& now) const noexcept;
    ItemForm form_of(const Key& key, const Item& old) const noexcept;
    bool is_live(const Item& item, Tick now) const noexcept {
        return !table_.is_flushed(item) && !item.expiry().is_past(now);
    }
    // After a use that has raised the item's frequency: rare, and so kept out of its callers.
    [[gnu::cold]] void tell_hint(const Item& item, const Key& key) noexcept;
    bool exceeds_limit(const ItemForm& form, std::uint64_t value_bytes) const noexcept;

    Stored store(Storing& storing, const Now& now, Supply& supply) noexcept;
    Stored prepare_value(Storing& storing, Supply& supply) noexcept;
    Stored prepare_room(Table::Placement& placement, const Now& now, Supply& supply) noexcept;
    bool store_in_place(const Storing& storing) noexcept;
    void publish(Storing& storing, Version before, const Now& now) noexcept;
    Ticket remove_reported(const Key& key, Item* item, Version version, Cause cause) noexcept;
    Ticket touch_item(Item& item, const Key& key, Expiry expiry, const Now& now) noexcept;

    Verdict judge(const Write& request, const Item* old) const noexcept;
    void compose(Storing& storing, const Write& request, Verdict verdict, const Now& now) noexcept;
    void join_values(Storing& storing, const Write& request) noexcept;
    bool extend_extent(Storing& storing, const Write& request) noexcept;
    WriteResult finish_write(const Storing& storing) const noexcept;
    WriteResult fail_write(const Storing& storing, const Write& request, WriteOutcome outcome,
                           const Now& now) noexcept;
    Stored vivify(Storing& storing, const Read& request, const Now& now, Supply& supply) noexcept;
    Recache claim_recache(Item& item, const Read& request, Tick now) noexcept;
    Stored change(Storing& storing, const Remove& request, const Now& now, Supply& supply) noexcept;
    Version known_version(const Key& key, const Item* held, Tick now) noexcept;

    unsigned number_;
    unsigned shard_bits_;
    ShardLimits limits_;
    MutationSink& sink_;
    Extents& extents_;
    VersionClock clock_;
    Table table_;
};

}  // namespace twincached::storage

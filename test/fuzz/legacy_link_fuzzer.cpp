// The whole link to a repcached, over a store that clients write to: whatever the other side says,
// however cut, and whenever it calls, is called, is lost and comes back. Beyond "it neither crashes
// nor leaks" these hold:
//
//     wire      what is said is whole commands, such as an old node reads; about as much as was
//               asked for
//     no echo   a node that was never called says nothing of a key that its clients did not change
//     bounds    what is kept of the other side's words is one value and one line at most
//     return    an old node that calls afterwards, empty, holds what the store holds
//
//     each step is a byte, and what it needs behind it
#include "lib/byte_buffer.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/legacy/legacy_link.hpp"
#include "storage/store.hpp"
#include "test/fuzz/demand.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr std::size_t value_limit = 4096;
constexpr std::size_t log_bytes = 4096;  // a few dozen changes: more overflow
constexpr unsigned peer_node = 0;

class Script {
  public:
    explicit Script(std::string_view bytes) : bytes_(bytes) {}
    bool is_over() const { return bytes_.empty(); }
    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const auto first = static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(1);
        return first;
    }
    std::string_view some() {
        const auto count = std::min<std::size_t>(byte(), bytes_.size());
        const auto taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }

  private:
    std::string_view bytes_;
};

// An old node, as far as it is told of.
class OldNode {
  public:
    struct Item {
        std::string value;
        std::uint32_t flags = 0;
        std::int64_t exptime = 0;
    };
    void hear(std::string_view bytes) {
        LegacyReader reader(value_limit);
        while (!bytes.empty()) {
            const auto read = reader.read(bytes);
            demand(read.status == LegacyReader::Status::command, "what is said is whole commands");
            bytes.remove_prefix(read.taken);
            take(read.command);
        }
    }
    const std::map<std::string, Item>& items() const { return items_; }
    const std::set<std::string>& named() const { return named_; }

  private:
    void take(const LegacyCommand& command) {
        const std::string key(command.key);
        if (!key.empty()) named_.insert(key);
        if (command.verb == LegacyVerb::flush) items_.clear();
        if (command.verb == LegacyVerb::removal) items_.erase(key);
        if (command.verb == LegacyVerb::upsert)
            items_[key] = {std::string(command.value), command.flags, command.exptime};
    }

    std::map<std::string, Item> items_;
    std::set<std::string> named_;
};

class Node {
  public:
    Node()
        : sink_(2, log_bytes),
          store_(options(), lib::KeyedHash("secret"), sink_),
          link_(sink_, value_limit) {
        link_.attach(store_);
    }

    void run(Script script) {
        while (!script.is_over())
            step(script);
        check_return();
    }

  private:
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.node = 1;
        options.shards = 2;
        options.threads = 1;
        options.memory_limit_bytes = 16U << 20;
        return options;
    }

    void step(Script& script) {
        ++now_.version_ms;
        switch (script.byte() % 12) {
            case 0:
            case 1:
                return hear(script.some());
            case 2:
                return hear("rep " + key(script) + " 4294967295 0 1 7\r\nv\r\n");
            case 3:
                return hear("delete " + key(script) + "\r\n");
            case 4:
                return hear("flush_all \r\n");
            case 5:
                return hear("marugoto_end\r\n");
            case 6:
                return write(script);
            case 7:
                return remove(key(script));
            case 8:
                (void)store_.flush(now_);
                return;
            case 9:
                return pass(script.byte());
            case 10:
                return say(script.byte() * std::size_t{16});
            default:
                return meet(script.byte() % 3 == 0);
        }
    }

    // Some of them are such that the old wire cannot carry them.
    static std::string key(Script& script) {
        const auto number = script.byte();
        return (number % 16 == 15 ? "a blank " : "k") + std::to_string(number % 64);
    }
    void write(Script& script) {
        const auto name = key(script);
        const auto text = std::string(script.some());
        storage::Write write;
        write.value = text;
        write.client_flags = static_cast<std::uint32_t>(text.size());
        own_.insert(name);
        (void)store_.write(store_.key(name), now_, write);
    }
    void remove(const std::string& name) {
        own_.insert(name);
        (void)store_.remove(store_.key(name), now_, {});
    }
    void pass(unsigned tenths) {
        now_.steady_ms += tenths * 100U;
        now_.version_ms += tenths * 100U;
        now_.unix_seconds += tenths / 10;
        link_.on_timer(now_);
    }

    void meet(bool it_calls) {
        if (link_.in_session()) link_.end();
        kept_ = {};
        was_called_ |= it_calls;
        link_.begin(peer_node, it_calls, now_);
    }
    void hear(std::string_view bytes) {
        if (!link_.in_session()) meet(false);
        if (!link_.on_bytes(kept_, bytes, true, now_).empty()) return link_.end();
        demand(kept_.size() <= value_limit + LegacyReader::line_limit + 2,
               "what is kept is bounded");
    }
    void say(std::size_t room) {
        if (link_.in_session()) tell(old_, room);
        if (was_called_) return;
        for (const auto& name : old_.named())
            demand(own_.contains(name), "what came over the link does not go back");
    }
    bool tell(OldNode& old, std::size_t room) {
        lib::ByteBuffer out;
        link_.produce(out, room, now_);
        demand(out.size() <= room + value_limit + LegacyReader::line_limit,
               "no more than asked for");
        old.hear(out.readable());
        return !out.empty();
    }

    void check_return() {
        meet(true);
        OldNode old;
        for (int turn = 0; tell(old, 1U << 16); ++turn)
            demand(turn < 1000, "a dump has an end");
        demand(link_.is_caught_up(), "at the end of which nothing is owed");
        std::size_t alive = 0;
        for (unsigned shard = 0; shard < 2; ++shard)
            alive += check_shard(shard, old);
        for (const auto& [name, item] : old.items())
            alive += item.exptime != 0 && item.exptime <= now_.unix_seconds;
        demand(alive == old.items().size(), "what is not here is not there");
    }
    std::size_t check_shard(unsigned number, const OldNode& old) {
        std::size_t found = 0;
        std::optional<std::uint64_t> next = 0;
        while (next) {
            store_.with_shard(number, [&](storage::Shard& shard) {
                next = shard.visit(*next, now_, [&](const storage::ItemView& item) {
                    if (!may_be_named(item.key)) return;
                    const auto there = old.items().find(std::string(item.key));
                    demand(there != old.items().end(), "what is here is there");
                    demand(there->second.value == item.value, "its value is the same");
                    demand(there->second.flags == item.client_flags, "its flags are the same");
                    ++found;
                });
            });
        }
        return found;
    }

    ChangeSink sink_;
    storage::Store store_;
    LegacyLink link_;
    storage::Now now_{.steady_ms = 10'000, .version_ms = 1'000'000, .unix_seconds = 1'795'000'000};
    lib::ByteBuffer kept_;
    OldNode old_;
    std::set<std::string> own_;
    bool was_called_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Node().run(Script({reinterpret_cast<const char*>(data), size}));
    return 0;
}

// Notes what commands did, the same way whatever dialect asked: counters of the thread and of size
// classes, counts of prefixes, hot keys, and, by its teller, lines for those who watch. It changes
// no item. One per executor, called by the thread that owns it.
//
// What nobody asked for costs little: a relaxed load for the watchers, one for the prefixes, one
// for the hot keys. Functions that a visitor of the store calls run under the shard's lock.
#pragma once

#include "protocol/execution/service.hpp"
#include "protocol/observation/command_teller.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::protocol {

class CommandRecorder {
  public:
    // Both must outlive it. `connection` stands as `cfd` in watchers' lines.
    CommandRecorder(Service& service, ThreadCounters& counters, int connection) noexcept
        : store_(service.store()),
          settings_(service.settings()),
          shared_(service.shared()),
          counters_(counters),
          connection_(connection) {}

    // --- gets: each key as it is found or not, then all that were asked for together ---
    void found(const storage::ItemView& item) noexcept {
        count_in_class(class_of(item), ClassCount::get_hits);
        teller().found(item);
        note_use(item.key, item.value.size());
    }
    void missed(std::string_view key, storage::Miss miss) noexcept {
        count_miss(miss);
        teller().missed(key, miss);
        note_use(key, 0);
    }
    // `hits` has a bit for each key.
    void looked_up(std::span<const std::string_view> keys, std::uint32_t hits) noexcept;

    // --- touches; what sets a new expiry counts as one also when it reads (gat, an mg T that finds
    // something) ---
    void found_to_touch(const storage::ItemView& item) noexcept {
        count_in_class(class_of(item), ClassCount::touch_hits);
        teller().found(item);
    }
    void touched(std::string_view key, const storage::ReadResult& result) noexcept;
    void count_prefix_get(std::string_view key, bool hit) noexcept {
        auto& prefixes = shared_.observation.prefixes;
        if (prefixes.is_enabled()) prefixes.count_get(key, settings_.delimiter(), hit);
    }

    // --- the meta get; `vivified` was not there before ---
    void found_or_vivified(const storage::ItemView& item, const storage::Read& request,
                           bool vivified, const storage::Now& now) noexcept;
    void read(std::string_view key, const storage::Read& request,
              const storage::ReadResult& result) noexcept;

    // --- changes ---
    // What changes an item looks at it first; watchers of memcached see that as a fetch, too.
    void before_change(const storage::Key& key, const storage::Now& now) noexcept {
        if (teller().wants_fetches()) tell_looked_up(key, now);
    }
    using Written = CommandTeller::Written;
    void written(const Written& written, const storage::Now& now) noexcept;
    // Before its value arrived. Too large, or else there is no memory for it.
    void refused(std::string_view key, bool is_too_large) noexcept;
    void reckoned(std::string_view key, const storage::Arithmetic& request,
                  const storage::ArithmeticResult& result, const storage::Now& now) noexcept;
    // `verb`: as watchers read it.
    void removed(std::string_view key, const storage::Remove& request,
                 const storage::RemoveResult& result, std::string_view verb) noexcept;
    void flushed() noexcept { count(Count::cmd_flush); }

    unsigned class_of(const storage::ItemView& item) const noexcept {
        return class_of(storage::accounted_bytes(item));
    }
    ThreadCounters& counters() noexcept { return counters_; }

  private:
    unsigned class_of(std::uint64_t accounted_bytes) const noexcept {
        return shared_.size_classes.of(accounted_bytes);
    }

    void count(Count name, std::uint64_t amount = 1) noexcept {
        counters_.totals.add(name, amount);
    }
    void count_in_class(unsigned size_class, ClassCount name) noexcept {
        counters_.classes[size_class].add(name);
    }
    void count_miss(storage::Miss miss) noexcept {
        count(Count::get_misses);
        if (miss == storage::Miss::expired) count(Count::get_expired);
        if (miss == storage::Miss::flushed) count(Count::get_flushed);
    }
    void count_touch(bool hit) noexcept {
        count(Count::cmd_touch);
        count(hit ? Count::touch_hits : Count::touch_misses);
    }
    void count_written(unsigned size_class, const storage::Write& request,
                       storage::WriteOutcome outcome) noexcept;
    // For `stats hotkeys`, sampled.
    void note_use(std::string_view key, std::uint64_t value_bytes) noexcept {
        auto& hot_keys = shared_.observation.hot_keys;
        if (!hot_keys.is_enabled() || !counters_.sampler.is_due()) return;
        hot_keys.note(key, settings_.delimiter(), value_bytes);
    }

    // Made when it is needed: it is three words, and there are as many conversations as clients.
    CommandTeller teller() const noexcept {
        return {shared_.observation.watch_log, shared_.size_classes, connection_};
    }
    void tell_looked_up(const storage::Key& key, const storage::Now& now) noexcept;

    storage::Store& store_;
    const Settings& settings_;
    SharedState& shared_;
    ThreadCounters& counters_;
    const int connection_;
};

}  // namespace twincached::protocol

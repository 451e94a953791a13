#include "protocol/reports/stats_report.hpp"

#include "protocol/digits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace twincached::protocol {

using storage::ClassStats;
using storage::StoreStats;

namespace {

// What is looked up once for a report.
struct Facts {
    const StoreStats& store;
    WatchLog::Counts watch;
    std::uint64_t crawler_starts;
    bool crawler_enabled;
};

using FactValue = std::uint64_t (*)(const Facts& facts);

std::uint64_t hash_power(const Facts& facts) noexcept {
    constexpr std::uint64_t bytes_per_slot = 8;  // of memcached's table, which the level is about
    const auto slots = facts.store.index_bytes / bytes_per_slot;
    return slots == 0 ? 0 : static_cast<std::uint64_t>(std::bit_width(slots)) - 1;
}

// Where the value of a general key comes from. What the process knows of it goes before all.
struct GeneralKey {
    enum class Source : std::uint8_t { none, count, fact, text, process };

    constexpr GeneralKey(std::string_view key) noexcept : name(key) {}  // NOLINT: a table's line
    constexpr GeneralKey(std::string_view key, Source from) noexcept : name(key), source(from) {}
    constexpr GeneralKey(std::string_view key, Count which) noexcept
        : name(key), source(Source::count), count(which) {}
    constexpr GeneralKey(std::string_view key, FactValue of) noexcept
        : name(key), source(Source::fact), fact(of) {}
    constexpr GeneralKey(std::string_view key, const char* word) noexcept
        : name(key), source(Source::text), text(word) {}

    std::string_view name;
    Source source = Source::none;
    Count count = Count::count_;
    FactValue fact = nullptr;
    std::string_view text = "0";
};

// Left out where the process does not know of it.
constexpr auto if_known = GeneralKey::Source::process;

// memcached 1.6.45 prints these, in this order.
constexpr GeneralKey general_keys[] = {
    {"pid"},
    {"uptime"},
    {"time"},
    {"version"},
    {"libevent"},
    {"pointer_size", "64"},
    {"rusage_user"},
    {"rusage_system"},
    {"max_connections"},
    {"curr_connections"},
    {"total_connections"},
    {"rejected_connections"},
    {"connection_structures"},
    {"response_obj_oom", Count::response_obj_oom},
    {"response_obj_count"},
    {"response_obj_bytes"},
    {"read_buf_count"},
    {"read_buf_bytes"},
    {"read_buf_bytes_free"},
    {"read_buf_oom", Count::read_buf_oom},
    {"reserved_fds"},
    {"cmd_get", Count::cmd_get},
    {"cmd_set", Count::cmd_set},
    {"cmd_flush", Count::cmd_flush},
    {"cmd_touch", Count::cmd_touch},
    {"cmd_meta", Count::cmd_meta},
    {"get_hits", Count::get_hits},
    {"get_misses", Count::get_misses},
    {"get_expired", Count::get_expired},
    {"get_flushed", Count::get_flushed},
    {"delete_misses", Count::delete_misses},
    {"delete_hits", Count::delete_hits},
    {"incr_misses", Count::incr_misses},
    {"incr_hits", Count::incr_hits},
    {"decr_misses", Count::decr_misses},
    {"decr_hits", Count::decr_hits},
    {"cas_misses", Count::cas_misses},
    {"cas_hits", Count::cas_hits},
    {"cas_badval", Count::cas_badval},
    {"touch_hits", Count::touch_hits},
    {"touch_misses", Count::touch_misses},
    {"store_too_large", Count::store_too_large},
    {"store_no_memory", Count::store_no_memory},
    {"auth_cmds", Count::auth_cmds},
    {"auth_errors", Count::auth_errors},
    {"bytes_read", Count::bytes_read},
    {"bytes_written", Count::bytes_written},
    {"limit_maxbytes", [](const Facts& f) -> std::uint64_t { return f.store.memory_limit; }},
    {"accepting_conns"},
    {"listen_disabled_num"},
    {"time_in_listen_disabled_us"},
    {"threads"},
    {"conn_yields", Count::conn_yields},
    {"hash_power_level", hash_power},
    {"hash_bytes", [](const Facts& f) -> std::uint64_t { return f.store.index_bytes; }},
    {"hash_is_expanding",
     [](const Facts& f) -> std::uint64_t { return f.store.index_is_growing ? 1 : 0; }},
    {"slab_reassign_rescues", [](const Facts& f) -> std::uint64_t { return f.store.rescued; }},
    {"slab_reassign_chunk_rescues"},
    {"slab_reassign_inline_reclaim"},
    {"slab_reassign_busy_items"},
    {"slab_reassign_busy_deletes"},
    {"slab_reassign_busy_nomem"},
    {"slab_reassign_last_busy_status", "none"},
    {"slab_reassign_running"},
    {"slabs_moved", [](const Facts& f) -> std::uint64_t { return f.store.compacted_slabs; }},
    {"lru_crawler_running",
     [](const Facts& f) -> std::uint64_t { return f.crawler_enabled ? 1 : 0; }},
    {"lru_crawler_starts", [](const Facts& f) -> std::uint64_t { return f.crawler_starts; }},
    {"lru_maintainer_juggles",
     [](const Facts& f) -> std::uint64_t { return f.store.upkeep_steps; }},
    {"malloc_fails", Count::malloc_fails},
    {"log_worker_dropped"},
    {"log_worker_written", [](const Facts& f) -> std::uint64_t { return f.watch.written; }},
    {"log_watcher_skipped", [](const Facts& f) -> std::uint64_t { return f.watch.skipped; }},
    {"log_watcher_sent", [](const Facts& f) -> std::uint64_t { return f.watch.sent; }},
    {"log_watchers", [](const Facts& f) -> std::uint64_t { return f.watch.watchers; }},
    {"ssl_new_sessions", if_known},
    {"ssl_handshake_errors", if_known},
    {"ssl_proto_errors", if_known},
    {"time_since_server_cert_refresh", if_known},
    {"unexpected_napi_ids"},
    {"round_robin_fallback"},
    {"bytes", [](const Facts& f) -> std::uint64_t { return f.store.total.bytes; }},
    {"curr_items", [](const Facts& f) -> std::uint64_t { return f.store.total.items; }},
    {"total_items", [](const Facts& f) -> std::uint64_t { return f.store.items_ever; }},
    {"slab_global_page_pool", [](const Facts& f) -> std::uint64_t { return f.store.kept_slabs; }},
    {"expired_unfetched",
     [](const Facts& f) -> std::uint64_t { return f.store.total.expired_unfetched; }},
    {"evicted_unfetched",
     [](const Facts& f) -> std::uint64_t { return f.store.total.evicted_unfetched; }},
    {"evicted_active",
     [](const Facts& f) -> std::uint64_t { return f.store.total.evicted_active; }},
    {"evictions", [](const Facts& f) -> std::uint64_t { return f.store.total.evicted; }},
    {"reclaimed", [](const Facts& f) -> std::uint64_t { return f.store.total.expired; }},
    {"crawler_reclaimed", [](const Facts& f) -> std::uint64_t { return f.store.total.collected; }},
    {"crawler_items_checked",
     [](const Facts& f) -> std::uint64_t { return f.store.total.examined; }},
    {"lrutail_reflocked"},
    {"moves_to_cold"},
    {"moves_to_warm", [](const Facts& f) -> std::uint64_t { return f.store.total.kept; }},
    {"moves_within_lru", [](const Facts& f) -> std::uint64_t { return f.store.total.kept_again; }},
    {"direct_reclaims", [](const Facts& f) -> std::uint64_t { return f.store.direct_reclaims; }},
    {"lru_bumps_dropped"},
};

// A number as text, in a place that lives as long as the object.
class NumberText {
  public:
    explicit NumberText(std::uint64_t number) noexcept
        : size_(static_cast<std::size_t>(put_number(digits_.data(), number) - digits_.data())) {}
    operator std::string_view() const noexcept { return {digits_.data(), size_}; }  // NOLINT

  private:
    std::array<char, digits_limit> digits_;
    std::size_t size_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Prints `prefix` + name for every name that is given.
class Prefixed {
  public:
    Prefixed(StatVisitor visit, std::string_view family, unsigned size_class) : visit_(visit) {
        key_.append(family);
        key_.append(NumberText(size_class));
        key_.append(":");
        prefix_size_ = key_.size();
    }
    void operator()(std::string_view name, std::uint64_t value) {
        key_.resize(prefix_size_);
        key_.append(name);
        visit_(key_, NumberText(value));
    }

  private:
    StatVisitor visit_;
    std::string key_;
    std::size_t prefix_size_ = 0;
};

void report_items(Prefixed stat, const ClassStats& stats, std::uint64_t hits) {
    stat("number", stats.items);
    // There are no segments here: whatever is kept counts as the coldest. An age of its own has
    // the queue of what is new; what an eviction spares moves to the main queue, or within it.
    stat("number_hot", 0);
    stat("number_warm", 0);
    stat("number_cold", stats.items);
    stat("age_hot", stats.oldest_fresh);
    stat("age_warm", 0);
    stat("age", std::max(stats.oldest_age, stats.oldest_fresh));
    stat("mem_requested", stats.bytes);
    stat("evicted", stats.evicted);
    stat("evicted_nonzero", stats.evicted_nonzero);
    stat("evicted_time", stats.last_evicted_age);
    stat("outofmemory", stats.no_memory);
    stat("tailrepairs", 0);
    stat("reclaimed", stats.expired);
    stat("expired_unfetched", stats.expired_unfetched);
    stat("evicted_unfetched", stats.evicted_unfetched);
    stat("evicted_active", stats.evicted_active);
    stat("crawler_reclaimed", stats.collected);
    stat("crawler_items_checked", stats.examined);
    stat("lrutail_reflocked", 0);
    stat("moves_to_cold", 0);
    stat("moves_to_warm", stats.kept);
    stat("moves_within_lru", stats.kept_again);
    stat("direct_reclaims", 0);  // a slab that is emptied for somebody holds items of all classes
    stat("hits_to_hot", 0);
    stat("hits_to_warm", 0);
    stat("hits_to_cold", hits);
    stat("hits_to_temp", 0);
}

constexpr std::uint64_t page_bytes = 1 << 20;  // of memcached, which these reports imitate

struct Pages {
    Pages(std::uint64_t chunk_bytes, std::uint64_t items) noexcept
        : chunks_per_page(page_bytes / chunk_bytes),
          pages((items + chunks_per_page - 1) / chunks_per_page) {}
    std::uint64_t chunks_per_page;
    std::uint64_t pages;
};

constexpr std::pair<std::string_view, ClassCount> class_counts[] = {
    {"get_hits", ClassCount::get_hits},       {"cmd_set", ClassCount::cmd_set},
    {"delete_hits", ClassCount::delete_hits}, {"incr_hits", ClassCount::incr_hits},
    {"decr_hits", ClassCount::decr_hits},     {"cas_hits", ClassCount::cas_hits},
    {"cas_badval", ClassCount::cas_badval},   {"touch_hits", ClassCount::touch_hits},
};

// Of "1.6.45 twincached/0.1.0": the level that clients compare with, and our own version.
std::string_view compatible_version(std::string_view version) noexcept {
    return version.substr(0, version.find(' '));
}
std::string_view own_version(std::string_view version) noexcept {
    return version.substr(std::min(version.rfind('/') + 1, version.size()));
}

// collectd has a buffer of 4 KiB for plain `stats`, and reads nothing if they are longer.
constexpr std::size_t general_bytes_limit = 4096;

// Plain `stats` is read by programs that know three words to a line: of an empty value php-memcache
// makes an error of the whole report, of a colon the Prometheus exporter makes a slab class.
bool fits_general(std::string_view key, std::string_view value) noexcept {
    return key.find(':') == std::string_view::npos && !value.empty() &&
           value.find(' ') == std::string_view::npos;
}

}  // namespace

void StatsReport::general(StatVisitor visit_line) const {
    std::size_t bytes = std::string_view("END\r\n").size();
    const auto line_bytes = [](std::string_view key, std::string_view value) {
        return std::string_view("STAT  \r\n").size() + key.size() + value.size();
    };
    const auto visit = [&](std::string_view key, std::string_view value) {
        bytes += line_bytes(key, value);
        visit_line(key, value);
    };
    Pairs process;
    service_.process_stats(
        [&](std::string_view key, std::string_view value) { process.emplace_back(key, value); });
    const auto stats = service_.store().stats();
    const Facts facts{stats, service_.shared().observation.watch_log.counts(),
                      service_.shared().reported.crawls(),
                      service_.shared().reported.is_crawler_enabled()};
    for (const auto& key : general_keys) {
        const auto known = std::find_if(process.begin(), process.end(),
                                        [&](const auto& pair) { return pair.first == key.name; });
        if (known != process.end()) {
            visit(key.name, known->second);
            process.erase(known);
        } else if (key.source == if_known) {
            continue;
        } else if (key.name == "version") {
            visit(key.name, compatible_version(service_.version()));
        } else if (key.name == "time") {
            visit(key.name, NumberText(static_cast<std::uint64_t>(now_.unix_seconds)));
        } else if (key.source == GeneralKey::Source::count) {
            visit(key.name, NumberText(service_.total(key.count)));
        } else if (key.source == GeneralKey::Source::fact) {
            visit(key.name, NumberText(key.fact(facts)));
        } else {
            visit(key.name, key.text);
        }
    }
    for (const auto& [key, value] : process)
        visit(key, value);
    visit("twincached_version", own_version(service_.version()));
    visit("memory_used", NumberText(stats.memory_used));
    visit("slab_bytes", NumberText(stats.slab_bytes));
    visit("ghost_bytes", NumberText(stats.ghost_bytes));
    visit("extent_bytes", NumberText(stats.extent_bytes));
    visit("bytes_copied_forward", NumberText(stats.bytes_copied_forward));
    visit("pinned_values", NumberText(stats.pinned));
    visit("udp_requests", NumberText(service_.total(Count::udp_requests)));
    visit("udp_dropped", NumberText(service_.total(Count::udp_dropped)));
    visit("prefixes", NumberText(service_.shared().observation.prefixes.prefixes()));
    visit("prefix_overflow", NumberText(service_.shared().observation.prefixes.overflow()));
    // The replicator's keys come with the most important first; `stats replication` has them all.
    // Those without its prefix are its ancestor's, whose dashboards look for them here.
    constexpr std::string_view prefix = "repl_";
    service_.replication_stats([&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix) && fits_general(key, value)) visit(key, value);
    });
    service_.replication_stats([&](std::string_view key, std::string_view value) {
        const bool has_room = bytes + line_bytes(key, value) < general_bytes_limit;
        if (has_room && key.starts_with(prefix) && fits_general(key, value)) visit(key, value);
    });
}

void StatsReport::items(StatVisitor visit) const {
    const auto stats = service_.store().stats();
    for (unsigned id = 1; id < storage::size_class_limit; ++id) {
        const auto& of_class = stats.classes[id];
        if (of_class.items == 0) continue;
        const auto hits =
            service_.total(id, ClassCount::get_hits) + service_.total(id, ClassCount::touch_hits);
        report_items(Prefixed(visit, "items:", id), of_class, hits);
    }
}

void StatsReport::slabs(StatVisitor visit) const {
    const auto& classes = service_.shared().size_classes;
    const auto stats = service_.store().stats();
    std::uint64_t active = 0;
    std::uint64_t page_total = 0;
    for (unsigned id = 1; id <= classes.count(); ++id) {
        const auto items = stats.classes[id].items;
        if (items == 0) continue;
        const Pages pages(classes.chunk_bytes(id), items);
        const auto chunks = pages.pages * pages.chunks_per_page;
        Prefixed stat(visit, "", id);
        stat("chunk_size", classes.chunk_bytes(id));
        stat("chunks_per_page", pages.chunks_per_page);
        stat("total_pages", pages.pages);
        stat("total_chunks", chunks);
        stat("used_chunks", items);
        stat("free_chunks", chunks - items);
        stat("free_chunks_end", 0);
        for (const auto& [name, count] : class_counts)
            stat(name, service_.total(id, count));
        ++active;
        page_total += pages.pages;
    }
    visit("active_slabs", NumberText(active));
    visit("total_malloced", NumberText(page_total * page_bytes));
}

// By the step of 32 bytes that the largest item of a size class falls into: what is known without
// looking at every item.
void StatsReport::sizes(StatVisitor visit) const {
    if (!service_.settings().track_sizes) return visit("sizes_status", "disabled");
    constexpr std::uint64_t step = 32;
    const auto& classes = service_.shared().size_classes;
    const auto stats = service_.store().stats();
    std::uint64_t items = 0;
    for (unsigned id = 1; id <= classes.count(); ++id) {
        const auto steps = [&](unsigned of) { return (classes.chunk_bytes(of) + step - 1) / step; };
        items += stats.classes[id].items;
        if (id < classes.count() && steps(id + 1) == steps(id)) continue;
        if (items > 0) visit(NumberText(steps(id) * step), NumberText(items));
        items = 0;
    }
}

bool report_stats(Service& service, std::string_view name, const storage::Now& now,
                  StatVisitor visit) {
    const StatsReport report(service, now);
    if (name.empty()) {
        report.general(visit);
    } else if (name == "settings") {
        service.settings_stats(visit);
    } else if (name == "items") {
        report.items(visit);
    } else if (name == "slabs") {
        report.slabs(visit);
    } else if (name == "sizes") {
        report.sizes(visit);
    } else if (name == "conns") {
        service.connection_stats(visit);
    } else if (name == "replication") {
        service.replication_stats(visit);
    } else {
        return false;
    }
    return true;
}

}  // namespace twincached::protocol

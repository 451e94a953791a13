// The figures of `stats`, `stats items` and `stats slabs` that nobody counts: what the
// conversations share, and what is reckoned so that memcached's tools find what they know. Beside
// them memcached's order, in which it names figures that have no meaning here, too.
#pragma once

#include "lib/figure_row.hpp"
#include "protocol/execution/counts.hpp"
#include "storage/stats.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::protocol {

// --- `stats` -----------------------------------------------------------------------------------

// What is looked up once for a report.
struct ServerFacts {
    std::string_view version;  // "1.6.45 twincached/0.1.0"
    std::int64_t unix_seconds = 0;
    std::uint64_t index_bytes = 0;

    // The level that clients compare with, and our own version.
    std::string_view compatible_version() const noexcept {
        return version.substr(0, version.find(' '));
    }
    std::string_view own_version() const noexcept {
        return version.substr(std::min(version.rfind('/') + 1, version.size()));
    }
    // memcached's table has 2^level slots of 8 bytes.
    std::uint64_t hash_power() const noexcept {
        const auto slots = index_bytes / 8;
        return slots == 0 ? 0 : static_cast<std::uint64_t>(std::bit_width(slots)) - 1;
    }
};

inline constexpr lib::FigureRow<ServerFacts> server_rows[] = {
    {lib::gauge("time", lib::Unit::seconds, "since 1970"), lib::member<&ServerFacts::unix_seconds>},
    {lib::text("version", "the level of memcached that clients may count on"),
     [](const ServerFacts& facts) { return std::string(facts.compatible_version()); }},
    {lib::gauge("pointer_size", "bits of an address"),
     [](const ServerFacts&) { return std::to_string(8 * sizeof(void*)); }},
    {lib::gauge("hash_power_level",
                "of the largest table of memcached that `hash_bytes` would hold"),
     [](const ServerFacts& facts) { return std::to_string(facts.hash_power()); }},
    {lib::text("slab_reassign_last_busy_status", "always `none`"),
     [](const ServerFacts&) -> std::string { return "none"; }},
    {lib::text("twincached_version", "of this program"),
     [](const ServerFacts& facts) { return std::string(facts.own_version()); }},
};

// memcached 1.6.45 prints these, in this order; in the middle those of a server with TLS.
inline constexpr std::string_view general_order[] = {
    "pid",
    "uptime",
    "time",
    "version",
    "libevent",
    "pointer_size",
    "rusage_user",
    "rusage_system",
    "max_connections",
    "curr_connections",
    "total_connections",
    "rejected_connections",
    "connection_structures",
    "response_obj_oom",
    "response_obj_count",
    "response_obj_bytes",
    "read_buf_count",
    "read_buf_bytes",
    "read_buf_bytes_free",
    "read_buf_oom",
    "reserved_fds",
    "cmd_get",
    "cmd_set",
    "cmd_flush",
    "cmd_touch",
    "cmd_meta",
    "get_hits",
    "get_misses",
    "get_expired",
    "get_flushed",
    "delete_misses",
    "delete_hits",
    "incr_misses",
    "incr_hits",
    "decr_misses",
    "decr_hits",
    "cas_misses",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "touch_misses",
    "store_too_large",
    "store_no_memory",
    "auth_cmds",
    "auth_errors",
    "bytes_read",
    "bytes_written",
    "limit_maxbytes",
    "accepting_conns",
    "listen_disabled_num",
    "time_in_listen_disabled_us",
    "threads",
    "conn_yields",
    "hash_power_level",
    "hash_bytes",
    "hash_is_expanding",
    "slab_reassign_rescues",
    "slab_reassign_chunk_rescues",
    "slab_reassign_inline_reclaim",
    "slab_reassign_busy_items",
    "slab_reassign_busy_deletes",
    "slab_reassign_busy_nomem",
    "slab_reassign_last_busy_status",
    "slab_reassign_running",
    "slabs_moved",
    "lru_crawler_running",
    "lru_crawler_starts",
    "lru_maintainer_juggles",
    "malloc_fails",
    "log_worker_dropped",
    "log_worker_written",
    "log_watcher_skipped",
    "log_watcher_sent",
    "log_watchers",
};
inline constexpr std::string_view general_order_tls[] = {
    "ssl_new_sessions",
    "ssl_handshake_errors",
    "ssl_proto_errors",
    "time_since_server_cert_refresh",
};
inline constexpr std::string_view general_order_after_tls[] = {
    "unexpected_napi_ids",
    "round_robin_fallback",
    "bytes",
    "curr_items",
    "total_items",
    "slab_global_page_pool",
    "expired_unfetched",
    "evicted_unfetched",
    "evicted_active",
    "evictions",
    "reclaimed",
    "crawler_reclaimed",
    "crawler_items_checked",
    "lrutail_reflocked",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
    "direct_reclaims",
    "lru_bumps_dropped",
};

// --- `stats items`, of a class -----------------------------------------------------------------

// There are no segments here: whatever is kept counts as the coldest.
struct ClassFacts {
    const storage::ClassStats& stats;
    const ClassCountTally& counts;
};

inline constexpr lib::FigureRow<ClassFacts> class_fact_rows[] = {
    {lib::gauge("number_cold", "items kept, again"),
     [](const ClassFacts& facts) { return std::to_string(facts.stats.items); }},
    {lib::counter("hits_to_cold", "gets and touches of the class that hit"),
     [](const ClassFacts& facts) {
         return std::to_string(facts.counts[ClassCount::get_hits] +
                               facts.counts[ClassCount::touch_hits]);
     }},
};

inline constexpr std::string_view items_order[] = {
    "number",
    "number_hot",
    "number_warm",
    "number_cold",
    "age_hot",
    "age_warm",
    "age",
    "mem_requested",
    "evicted",
    "evicted_nonzero",
    "evicted_time",
    "outofmemory",
    "tailrepairs",
    "reclaimed",
    "expired_unfetched",
    "evicted_unfetched",
    "evicted_active",
    "crawler_reclaimed",
    "crawler_items_checked",
    "lrutail_reflocked",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
    "direct_reclaims",
    "hits_to_hot",
    "hits_to_warm",
    "hits_to_cold",
    "hits_to_temp",
};

// --- `stats slabs`, of a class -----------------------------------------------------------------

// As many pages of memcached's as the items of a class would fill there.
struct SlabFacts {
    static constexpr std::uint64_t page_bytes = 1 << 20;

    SlabFacts(std::uint64_t bytes, std::uint64_t item_count) noexcept
        : chunk_bytes(bytes),
          chunks_per_page(page_bytes / bytes),
          pages((item_count + chunks_per_page - 1) / chunks_per_page),
          chunks(pages * chunks_per_page),
          items(item_count),
          free_chunks(chunks - items) {}

    std::uint64_t chunk_bytes;
    std::uint64_t chunks_per_page;
    std::uint64_t pages;
    std::uint64_t chunks;
    std::uint64_t items;
    std::uint64_t free_chunks;
};

inline constexpr lib::FigureRow<SlabFacts> slab_rows[] = {
    {lib::gauge("chunk_size", lib::Unit::bytes, "the largest item of the class"),
     lib::member<&SlabFacts::chunk_bytes>},
    {lib::gauge("chunks_per_page", "such items in 1 MiB"),
     lib::member<&SlabFacts::chunks_per_page>},
    {lib::gauge("total_pages", "pages of 1 MiB that its items would fill"),
     lib::member<&SlabFacts::pages>},
    {lib::gauge("total_chunks", "items that would have room in these"),
     lib::member<&SlabFacts::chunks>},
    {lib::gauge("used_chunks", "items kept"), lib::member<&SlabFacts::items>},
    {lib::gauge("free_chunks", "the difference"), lib::member<&SlabFacts::free_chunks>},
    {lib::gauge("free_chunks_end", "always 0"),
     [](const SlabFacts&) -> std::string { return "0"; }},
};

// Behind all classes.
struct SlabTotals {
    std::uint64_t classes = 0;
    std::uint64_t pages = 0;
};

inline constexpr lib::FigureRow<SlabTotals> slab_total_rows[] = {
    {lib::gauge("active_slabs", "classes that hold an item"), lib::member<&SlabTotals::classes>},
    {lib::gauge("total_malloced", lib::Unit::bytes, "the pages of all classes"),
     [](const SlabTotals& totals) { return std::to_string(totals.pages * SlabFacts::page_bytes); }},
};

}  // namespace twincached::protocol

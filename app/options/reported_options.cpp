#include "app/options/reported_options.hpp"

#include <array>

namespace twincached::app {
namespace {

constexpr Option word(std::string_view name, Shape shape, std::string_view initial,
                      std::string_view help, Use use = Use::meaningless) {
    return Option{.section = "memcached",
                  .key = name,
                  .word = name,
                  .target = shape,
                  .initial = initial,
                  .bare = shape == Shape::flag,
                  .use = use,
                  .help = help};
}

// A number whose word may stand alone and means 1 then.
constexpr Option bare(Option option) {
    option.bare = true;
    return option;
}

constexpr Option ranged(Option option, double least, double most, std::string_view out_of_range) {
    option.least = least;
    option.most = most;
    option.out_of_range = out_of_range;
    return option;
}

constexpr Option chosen(Option option, std::string_view choices, std::string_view otherwise) {
    option.choices = choices;
    option.out_of_range = otherwise;
    return option;
}

constexpr auto flag = Shape::flag;
constexpr auto number = Shape::number;
constexpr auto decimal = Shape::decimal;
constexpr auto text = Shape::text;
constexpr auto missing = Use::missing;

constexpr std::array rows = {
    ranged(word("hashpower", number, "0", "start size of the hash table; the index grows in steps"),
           0, 64,
           "Initial hashtable multiplier of {} is too high\n"
           "Choose a value based on \"STAT hash_power_level\" from a running instance"),
    word("hashexpand", flag, "yes", "growth of the hash table; the index always grows"),
    word("slab_reassign", flag, "yes", "slabs hold items of all sizes, so none is reassigned"),
    ranged(
        bare(word("slab_automove", number, "1", "slabs hold items of all sizes, so none is moved")),
        0, 2, "slab_automove must be between 0 and 2"),
    ranged(word("slab_automove_ratio", decimal, "0.80", "see slab_automove"), 0.000001, 0.999999,
           "slab_automove_ratio must be > 0 and < 1"),
    ranged(word("slab_automove_window", number, "10", "see slab_automove"), 3, 1 << 20,
           "slab_automove_window must be > 2"),
    ranged(word("slab_automove_freeratio", decimal, "0.010", "see slab_automove"), 0, 1,
           "slab_automove_freeratio must be between 0 and 1"),
    word("slab_chunk_max", number, "512", "KiB of one chunk; values are never split"),
    word("slab_sizes", text, "", "chunk sizes; they exist in reports only"),
    word("chunked_items", flag, "yes", "values are never split"),
    word("tail_repair_time", number, "0", "an item cannot be locked for ever here"),
    chosen(word("hash_algorithm", text, "murmur3", "the hash is keyed, of one kind"),
           "jenkins|murmur3|xxh3", "Unknown hash_algorithm option (jenkins, murmur3, xxh3)"),
    word("lru_crawler", flag, "yes", "expired items are always found in the background"),
    ranged(word("lru_crawler_sleep", number, "100", "upkeep paces itself"), 0, 1'000'000,
           "LRU crawler sleep must be between 0 and 1 second"),
    word("lru_crawler_tocrawl", number, "0", "upkeep paces itself"),
    word("lru_maintainer", flag, "yes", "eviction needs no thread"),
    ranged(word("hot_lru_pct", number, "20", "eviction is S3-FIFO over slabs"), 1, 80,
           "hot_lru_pct must be > 1 and < 80"),
    ranged(word("warm_lru_pct", number, "40", "eviction is S3-FIFO over slabs"), 1, 80,
           "warm_lru_pct must be > 1 and < 80"),
    ranged(word("hot_max_factor", decimal, "0.20", "eviction is S3-FIFO over slabs"), 0.000001,
           1000, "hot_max_factor must be > 0"),
    ranged(word("warm_max_factor", decimal, "2.00", "eviction is S3-FIFO over slabs"), 0.000001,
           1000, "warm_max_factor must be > 0"),
    word("temporary_ttl", number, "61", "there is no queue for short lives"),
    word("track_sizes", flag, "no", "let stats sizes tell how large items are", Use::effective),
    word("inline_ascii_resp", flag, "no", "answers are composed when they are asked for"),
    word("modern", flag, "no", "there is one set of defaults"),
    word("drop_privileges", flag, "no", "the systemd units confine the process"),
    word("relaxed_privileges", flag, "no", "the systemd units confine the process"),
    word("meta_response_old", flag, "no", "meta commands answer as memcached 1.6 does"),
    word("sock_cookie_id", number, "0", "socket marks are not set"),
    ranged(word("watcher_logbuf_size", number, "256", "KiB of lines kept for one watcher",
                Use::effective),
           8, 1 << 20, {}),
    word("worker_logbuf_size", number, "64", "lines go to their watchers at once"),
    word("resp_obj_mem_limit", number, "0", "answers count against read_buf_mem_limit"),
    word("ext_path", text, "", "external storage", missing),
    word("ext_page_size", number, "64", "external storage", missing),
    word("ext_wbuf_size", number, "4", "external storage", missing),
    word("ext_threads", number, "1", "external storage", missing),
    word("ext_item_size", number, "512", "external storage", missing),
    word("ext_item_age", number, "4294967295", "external storage", missing),
    word("ext_low_ttl", number, "0", "external storage", missing),
    word("ext_recache_rate", number, "2000", "external storage", missing),
    word("ext_compact_under", number, "0", "external storage", missing),
    word("ext_drop_under", number, "0", "external storage", missing),
    word("ext_max_sleep", number, "1000000", "external storage", missing),
    word("ext_max_frag", decimal, "0.80", "external storage", missing),
    word("ext_drop_unread", flag, "no", "external storage", missing),
    word("ssl_kernel_tls", flag, "no", "records are encrypted here, not by the kernel"),
    word("proxy_uring", flag, "no", "memcached's own proxy", missing),
    word("proxy_config", text, "", "memcached's own proxy", missing),
    word("proxy_arg", text, "", "memcached's own proxy", missing),
};

}  // namespace

std::span<const Option> reported_options() noexcept {
    return rows;
}

}  // namespace twincached::app

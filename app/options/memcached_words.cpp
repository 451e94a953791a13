#include "app/options/memcached_words.hpp"

#include "lib/numbers.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {
namespace {

constexpr lib::OptionRow word(std::string_view name, lib::OptionKind kind, std::string_view initial,
                              std::string_view help,
                              lib::OptionUse use = lib::OptionUse::meaningless) {
    return lib::OptionRow{.section = "memcached",
                          .key = name,
                          .word = name,
                          .fills = lib::fills_nothing(kind),
                          .initial = initial,
                          .bare = kind == lib::OptionKind::flag,
                          .use = use,
                          .help = help};
}

// As `stats settings` shows it, by default under its own name.
constexpr lib::OptionRow shown(unsigned place, lib::OptionRow row,
                               lib::OptionSetting setting = {}) {
    row.setting = setting;
    row.setting.place = place;
    if (setting.name.empty()) row.setting.name = row.key;
    return row;
}

std::string bytes_of(std::string_view plain, std::uint64_t unit) {
    return std::to_string(unit * lib::parse_number<std::uint64_t>(plain).value_or(0));
}
std::string bytes_of_kib(std::string_view plain) {
    return bytes_of(plain, 1024);
}
std::string bytes_of_mib(std::string_view plain) {
    return bytes_of(plain, 1024 * 1024);
}

// A number whose word may stand alone and means 1 then.
constexpr lib::OptionRow bare(lib::OptionRow option) {
    option.bare = true;
    return option;
}

constexpr lib::OptionRow ranged(lib::OptionRow option, double least, double most,
                                std::string_view out_of_range,
                                lib::OptionEnd end = lib::OptionEnd::both) {
    option.least = least;
    option.most = most;
    option.out_of_range = out_of_range;
    option.out_of_range_end = end;
    return option;
}

constexpr lib::OptionRow chosen(lib::OptionRow option, std::string_view choices,
                                std::string_view otherwise) {
    option.choices = choices;
    option.out_of_range = otherwise;
    return option;
}

constexpr auto flag = lib::OptionKind::flag;
constexpr auto number = lib::OptionKind::number;
constexpr auto decimal = lib::OptionKind::decimal;
constexpr auto text = lib::OptionKind::text;
constexpr auto missing = lib::OptionUse::missing;
constexpr auto low = lib::OptionEnd::low;
constexpr auto high = lib::OptionEnd::high;

constexpr std::array rows = {
    shown(26,
          ranged(word("hashpower", number, "0",
                      "start size of the hash table; the index grows in steps"),
                 0, 64,
                 "Initial hashtable multiplier of {} is too high\n"
                 "Choose a value based on \"STAT hash_power_level\" from a running instance",
                 high),
          {.name = "hashpower_init"}),
    word("hashexpand", flag, "yes", "growth of the hash table; the index always grows"),
    shown(28, ranged(bare(word("slab_automove", number, "1",
                               "slabs hold items of all sizes, so none is moved")),
                     0, 2, "slab_automove must be between 0 and 2")),
    shown(29, ranged(word("slab_automove_ratio", decimal, "0.80", "see slab_automove"), 0.000001,
                     0.999999, "slab_automove_ratio must be > 0 and < 1")),
    shown(30, ranged(word("slab_automove_window", number, "10", "see slab_automove"), 3, 1 << 20,
                     "slab_automove_window must be > 2", low)),
    shown(62, ranged(word("slab_automove_freeratio", decimal, "0.010", "see slab_automove"), 0, 1,
                     "slab_automove_freeratio must be between 0 and 1")),
    shown(31, word("slab_chunk_max", number, "512", "KiB of one chunk; values are never split"),
          {.shown = bytes_of_kib}),
    word("slab_sizes", text, "", "chunk sizes; they exist in reports only"),
    word("chunked_items", flag, "yes", "values are never split"),
    shown(35, word("tail_repair_time", number, "0", "an item cannot be locked for ever here")),
    shown(38,
          chosen(word("hash_algorithm", text, "murmur3", "the hash is keyed, of one kind"),
                 "jenkins|murmur3|xxh3", "Unknown hash_algorithm option (jenkins, murmur3, xxh3)")),
    shown(33, ranged(word("lru_crawler_sleep", number, "100", "upkeep paces itself"), 0, 1'000'000,
                     "LRU crawler sleep must be between 0 and 1 second")),
    shown(34, word("lru_crawler_tocrawl", number, "0", "upkeep paces itself")),
    shown(41, ranged(word("hot_lru_pct", number, "20", "eviction is S3-FIFO over slabs"), 1, 80,
                     "hot_lru_pct must be > 1 and < 80")),
    shown(42, ranged(word("warm_lru_pct", number, "40", "eviction is S3-FIFO over slabs"), 1, 80,
                     "warm_lru_pct must be > 1 and < 80")),
    shown(43, ranged(word("hot_max_factor", decimal, "0.20", "eviction is S3-FIFO over slabs"),
                     0.000001, 1000, "hot_max_factor must be > 0", low)),
    shown(44, ranged(word("warm_max_factor", decimal, "2.00", "eviction is S3-FIFO over slabs"),
                     0.000001, 1000, "warm_max_factor must be > 0", low)),
    shown(46, word("temporary_ttl", number, "61", "there is no queue for short lives")),
    shown(52, word("inline_ascii_resp", flag, "no", "answers are composed when they are asked for"),
          {.name = "inline_ascii_response"}),
    word("modern", flag, "yes", "there is one set of defaults"),
    word("drop_privileges", flag, "no", "the systemd units confine the process"),
    word("relaxed_privileges", flag, "no", "the systemd units confine the process"),
    word("meta_response_old", flag, "no", "meta commands answer as memcached 1.6 does"),
    word("sock_cookie_id", number, "0", "socket marks are not set"),
    shown(49, word("worker_logbuf_size", number, "64", "lines go to their watchers at once"),
          {.shown = bytes_of_kib}),
    word("resp_obj_mem_limit", number, "0", "answers count against read_buf_mem_limit"),
    word("ext_path", text, "", "external storage", missing),
    word("ext_page_size", number, "64", "external storage", missing),
    shown(57, word("ext_wbuf_size", number, "4", "external storage", missing),
          {.shown = bytes_of_mib}),
    word("ext_threads", number, "1", "external storage", missing),
    shown(53, word("ext_item_size", number, "512", "external storage", missing)),
    shown(54, word("ext_item_age", number, "4294967295", "external storage", missing)),
    shown(55, word("ext_low_ttl", number, "0", "external storage", missing)),
    shown(56, word("ext_recache_rate", number, "2000", "external storage", missing)),
    shown(58, word("ext_compact_under", number, "0", "external storage", missing)),
    shown(59, word("ext_drop_under", number, "0", "external storage", missing)),
    shown(60, word("ext_max_sleep", number, "1000000", "external storage", missing)),
    shown(61, word("ext_max_frag", decimal, "0.80", "external storage", missing)),
    shown(63, word("ext_drop_unread", flag, "no", "external storage", missing)),
    shown(73, word("ssl_kernel_tls", flag, "no", "records are encrypted here, not by the kernel")),
    word("proxy_uring", flag, "no", "memcached's own proxy", missing),
    word("proxy_config", text, "", "memcached's own proxy", missing),
    word("proxy_arg", text, "", "memcached's own proxy", missing),
    lib::OptionRow{.section = "",
                   .key = "queue-items",
                   .letter = 'q',
                   .fills = lib::fills_nothing(number),
                   .initial = "8192",
                   .use = lib::OptionUse::meaningless,
                   .help = "repcached's queue length; changes are bounded by log-memory"},
    lib::OptionRow{.section = "",
                   .key = "napi-ids",
                   .flag = "napi_ids",
                   .letter = 'N',
                   .fills = lib::fills_nothing(number),
                   .initial = "1",
                   .least = 1,
                   .use = lib::OptionUse::meaningless,
                   .out_of_range = "Maximum number of NAPI IDs must be greater than 0",
                   .out_of_range_end = lib::OptionEnd::low,
                   .help = "connections are dealt to threads in turn"},
};

}  // namespace

std::span<const lib::OptionRow> memcached_word_rows() noexcept {
    return rows;
}

// memcached.c, NO_MODERN.
std::span<const ImpliedWord> implied_by(std::string_view written) noexcept {
    static constexpr std::array old_defaults = {
        ImpliedWord{"slab_reassign", "no"}, ImpliedWord{"slab_automove", "0"},
        ImpliedWord{"lru_crawler", "no"},   ImpliedWord{"lru_maintainer", "no"},
        ImpliedWord{"maxconns_fast", "no"}, ImpliedWord{"hash_algorithm", "jenkins"},
    };
    if (written != "no_modern") return {};
    return old_defaults;
}

}  // namespace twincached::app

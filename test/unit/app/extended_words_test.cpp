// Every word of memcached 1.6.45's -o, one by one.
#include "app/listeners/listener_options.hpp"
#include "app/options/command_line.hpp"
#include "app/server_options.hpp"
#include "protocol/settings.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {
namespace {

enum class Effect { done, remarked };

struct Word {
    const char* written;
    Effect effect;
};

constexpr Effect done = Effect::done;
constexpr Effect remarked = Effect::remarked;

constexpr Word words[] = {
    {"maxconns_fast", done},
    {"no_maxconns_fast", done},
    {"idle_timeout=30", done},
    {"watcher_logbuf_size=512", done},
    {"track_sizes", done},
    {"read_buf_mem_limit=64", done},
    {"resp_obj_mem_limit=64", remarked},
    {"ssl_kernel_tls", remarked},
    {"worker_logbuf_size=128", remarked},
    {"hashpower=20", remarked},
    {"no_hashexpand", remarked},
    {"slab_reassign", remarked},
    {"no_slab_reassign", remarked},
    {"slab_automove", remarked},
    {"slab_automove=2", remarked},
    {"no_slab_automove", remarked},
    {"slab_automove_ratio=0.9", remarked},
    {"slab_automove_window=20", remarked},
    {"slab_automove_freeratio=0.02", remarked},
    {"slab_chunk_max=256", remarked},
    {"slab_sizes=100-200-300", remarked},
    {"no_chunked_items", remarked},
    {"tail_repair_time=20", remarked},
    {"hash_algorithm=jenkins", remarked},
    {"hash_algorithm=xxh3", remarked},
    {"lru_crawler", remarked},
    {"no_lru_crawler", remarked},
    {"lru_crawler_sleep=200", remarked},
    {"lru_crawler_tocrawl=100", remarked},
    {"lru_maintainer", remarked},
    {"no_lru_maintainer", remarked},
    {"hot_lru_pct=10", remarked},
    {"warm_lru_pct=30", remarked},
    {"hot_max_factor=0.5", remarked},
    {"warm_max_factor=1.5", remarked},
    {"temporary_ttl=30", remarked},
    {"inline_ascii_resp", remarked},
    {"no_inline_ascii_resp", remarked},
    {"modern", remarked},
    {"no_modern", remarked},
    {"drop_privileges", remarked},
    {"no_drop_privileges", remarked},
    {"relaxed_privileges", remarked},
    {"no_relaxed_privileges", remarked},
    {"meta_response_old", remarked},
    {"sock_cookie_id=7", remarked},
    {"proxy_uring", remarked},
    {"ext_path=/tmp/x:1G", remarked},
    {"ext_page_size=32", remarked},
    {"ext_wbuf_size=8", remarked},
    {"ext_threads=2", remarked},
    {"ext_item_size=1024", remarked},
    {"ext_item_age=60", remarked},
    {"ext_low_ttl=60", remarked},
    {"ext_recache_rate=100", remarked},
    {"ext_compact_under=4", remarked},
    {"ext_drop_under=4", remarked},
    {"ext_max_sleep=1000", remarked},
    {"ext_max_frag=0.5", remarked},
    {"ext_drop_unread", remarked},
    {"proxy_config=/tmp/x.lua", remarked},
    {"proxy_arg=x", remarked},
};

OptionReader reading(const std::string& word) {
    OptionReader reader(server_option_table());
    read_command_line({"-o", word}, reader);
    return reader;
}

}  // namespace

TEST_CASE("each of memcached's extended words works, or one line says why it does not") {
    for (const auto& word : words) {
        CAPTURE(word.written);
        const auto reader = reading(word.written);
        CHECK(reader.problems().empty());
        CHECK(reader.remarks().size() == (word.effect == remarked ? 1 : 0));
    }
}

TEST_CASE("no_modern brings memcached's old defaults back") {
    const auto crawls = [](const std::string& word) {
        return reading(word).options().get<protocol::Settings>().crawler_enabled;
    };
    CHECK_FALSE(crawls("no_modern"));
    CHECK(crawls("no_modern,lru_crawler"));
    CHECK(crawls("modern"));
    const auto rejects_fast = [](const std::string& word) {
        return reading(word).options().get<ListenerOptions>().reject_fast;
    };
    CHECK_FALSE(rejects_fast("no_modern"));
    CHECK_FALSE(rejects_fast("maxconns_fast,no_modern"));
    CHECK(rejects_fast("no_modern,maxconns_fast"));
    const auto settings = [](const std::string& word) {
        return reading(word).options().get<protocol::Settings>();
    };
    CHECK_FALSE(settings("no_modern").maintainer_enabled);
    CHECK_FALSE(settings("no_modern").reassign_enabled);
    CHECK(settings("no_modern,lru_maintainer").maintainer_enabled);
    CHECK_FALSE(settings("no_slab_reassign").reassign_enabled);
}

TEST_CASE("an extended word out of its range, or unknown, is refused by name") {
    const std::pair<const char*, const char*> refused[] = {
        {"bogus", "Illegal suboption \"bogus\""},
        {"no_bogus", "Illegal suboption \"no_bogus\""},
        {"idle_timeout", "Missing numeric argument for idle_timeout"},
        {"hashpower=70", "Initial hashtable multiplier of 70 is too high"},
        {"slab_automove=3", "slab_automove must be between 0 and 2"},
        {"lru_crawler_sleep=1000001", "LRU crawler sleep must be between 0 and 1 second"},
        {"hot_lru_pct=90", "hot_lru_pct must be > 1 and < 80"},
        {"warm_max_factor=0", "warm_max_factor must be > 0"},
        {"slab_automove_ratio=1.5", "slab_automove_ratio must be > 0 and < 1"},
        {"watcher_logbuf_size=1", "watcher_logbuf_size"},
        {"hash_algorithm=md5", "Unknown hash_algorithm option (jenkins, murmur3, xxh3)"},
    };
    for (const auto& [written, text] : refused) {
        CAPTURE(written);
        const auto reader = reading(written);
        REQUIRE(reader.problems().size() == 1);
        CAPTURE(reader.problems().front().message);
        CHECK(reader.problems().front().message.find(text) != std::string::npos);
    }
}

}  // namespace twincached::app

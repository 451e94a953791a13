#include "app/endpoint/metric_names.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

namespace twincached::app {
namespace {

using lib::FigureKind;
using lib::Unit;

constexpr auto counter = FigureKind::counter;
constexpr auto gauge = FigureKind::gauge;
constexpr std::string_view commands = "requests by command and status";

constexpr std::array rows = {
    // The exporter makes a counter of it, which promtool objects to: it is an age.
    ExporterRow{"memcached_uptime_seconds", gauge, "since the start", "uptime"},
    ExporterRow{"memcached_time_seconds", gauge, "the server's clock, since 1970", "time"},
    ExporterRow{"memcached_process_user_cpu_seconds", counter, "processor time in the program",
                "rusage_user"},
    ExporterRow{"memcached_process_system_cpu_seconds", counter, "processor time in the kernel",
                "rusage_system"},
    ExporterRow{"memcached_read_bytes", counter, "received from clients", "bytes_read"},
    ExporterRow{"memcached_written_bytes", counter, "sent to clients", "bytes_written"},
    ExporterRow{"memcached_current_connections", gauge, "clients connected", "curr_connections"},
    ExporterRow{"memcached_max_connections", gauge, "clients that may be", "max_connections"},
    ExporterRow{"memcached_connections", counter, "clients accepted", "total_connections"},
    ExporterRow{"memcached_connections_rejected", counter, "clients turned away",
                "rejected_connections"},
    ExporterRow{"memcached_connections_yielded", counter, "times that a client let others go first",
                "conn_yields"},
    ExporterRow{"memcached_connections_listener_disabled", counter, "times that accepting paused",
                "listen_disabled_num"},
    ExporterRow{"memcached_accepting_connections", gauge, "1 while clients are accepted",
                "accepting_conns"},
    ExporterRow{"memcached_current_bytes", gauge, "what items take", "bytes"},
    ExporterRow{"memcached_limit_bytes", gauge, "what the store may take", "limit_maxbytes"},
    ExporterRow{"memcached_current_items", gauge, "items kept", "curr_items"},
    ExporterRow{"memcached_items", counter, "items ever stored", "total_items"},
    ExporterRow{"memcached_items_evicted", counter, "items evicted to make room", "evictions"},
    ExporterRow{"memcached_items_reclaimed", counter, "expired items removed", "reclaimed"},
    ExporterRow{"memcached_item_too_large", counter, "values refused for their size",
                "store_too_large"},
    ExporterRow{"memcached_item_no_memory", counter, "values refused for want of memory",
                "store_no_memory"},
    ExporterRow{"memcached_direct_reclaims", counter, "slabs that a write had to empty first",
                "direct_reclaims"},
    ExporterRow{"memcached_malloced_bytes", gauge, "what slabs, index and values take",
                "memory_used"},
    ExporterRow{"memcached_lru_crawler_reclaimed", counter, "expired items found in the background",
                "crawler_reclaimed"},
    ExporterRow{"memcached_lru_crawler_items_checked", counter, "items looked at for it",
                "crawler_items_checked"},
    ExporterRow{"memcached_lru_crawler_moves_to_warm", counter, "items that an eviction spared",
                "moves_to_warm"},
    ExporterRow{"memcached_lru_crawler_moves_within_lru", counter, "items spared again",
                "moves_within_lru"},
    ExporterRow{"memcached_commands", counter, commands, "get_hits",
                R"(command="get",status="hit")"},
    ExporterRow{"memcached_commands", counter, commands, "get_misses",
                R"(command="get",status="miss")"},
    // memcached counts a cas as a set, too.
    ExporterRow{"memcached_commands", counter, commands, "cmd_set", R"(command="set",status="hit")",
                "cas_hits|cas_misses|cas_badval"},
    ExporterRow{"memcached_commands", counter, commands, "delete_hits",
                R"(command="delete",status="hit")"},
    ExporterRow{"memcached_commands", counter, commands, "delete_misses",
                R"(command="delete",status="miss")"},
    ExporterRow{"memcached_commands", counter, commands, "incr_hits",
                R"(command="incr",status="hit")"},
    ExporterRow{"memcached_commands", counter, commands, "incr_misses",
                R"(command="incr",status="miss")"},
    ExporterRow{"memcached_commands", counter, commands, "decr_hits",
                R"(command="decr",status="hit")"},
    ExporterRow{"memcached_commands", counter, commands, "decr_misses",
                R"(command="decr",status="miss")"},
    ExporterRow{"memcached_commands", counter, commands, "cas_hits",
                R"(command="cas",status="hit")"},
    ExporterRow{"memcached_commands", counter, commands, "cas_misses",
                R"(command="cas",status="miss")"},
    ExporterRow{"memcached_commands", counter, commands, "cas_badval",
                R"(command="cas",status="badval")"},
    ExporterRow{"memcached_commands", counter, commands, "touch_hits",
                R"(command="touch",status="hit")"},
    ExporterRow{"memcached_commands", counter, commands, "touch_misses",
                R"(command="touch",status="miss")"},
    ExporterRow{"memcached_commands", counter, commands, "cmd_flush",
                R"(command="flush",status="hit")"},
};

void drop_ending(std::string& name, std::string_view ending) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
}

void drop_beginning(std::string& name, std::string_view beginning) {
    if (name.starts_with(beginning)) name.erase(0, beginning.size());
}

// How many of the figure's unit are one of the metric's.
double scale_of(Unit unit) noexcept {
    if (unit == Unit::milliseconds) return 1000;
    return unit == Unit::microseconds ? 1'000'000 : 1;
}

bool is_time(Unit unit) noexcept {
    return unit == Unit::seconds || scale_of(unit) > 1;
}

}  // namespace

std::string metric_name(const lib::Figure& figure) {
    std::string name(figure.name);
    drop_ending(name, "_ms");
    drop_ending(name, "_us");
    drop_ending(name, "_count");
    drop_beginning(name, "total_");
    if (is_time(figure.unit)) name += "_seconds";
    const bool says_bytes = name.find("bytes") != std::string::npos;
    if (figure.unit == Unit::bytes && !says_bytes) name += "_bytes";
    return "twincached_" + name;
}

std::string metric_value(const lib::Figure& figure, std::string_view value) {
    const auto scale = scale_of(figure.unit);
    if (scale == 1) return std::string(value);
    return fmt::format("{}", std::strtod(std::string(value).c_str(), nullptr) / scale);
}

std::span<const ExporterRow> exporter_rows() noexcept {
    return rows;
}

}  // namespace twincached::app

#include "protocol/verbs.hpp"

#include "protocol/meta/meta_parser.hpp"
#include "protocol/meta/meta_verbs.hpp"
#include "protocol/reports/administration.hpp"
#include "protocol/text/classic_verbs.hpp"

#include <array>

namespace twincached::protocol {

namespace {

// Ordered by how often they are asked for: the look-up is linear.
constexpr std::array entries{
    VerbEntry{"get", Verb::get, parse_retrieval, execute_retrieval},
    VerbEntry{"set", Verb::set, parse_storage, execute_storage},
    VerbEntry{"mg", Verb::meta_get, parse_meta_get, execute_meta_get},
    VerbEntry{"ms", Verb::meta_set, parse_meta_set, execute_meta_set},
    VerbEntry{"gets", Verb::gets, parse_retrieval, execute_retrieval},
    VerbEntry{"delete", Verb::remove, parse_delete, execute_delete},
    VerbEntry{"mn", Verb::meta_no_op, parse_words, execute_meta_no_op},
    VerbEntry{"md", Verb::meta_delete, parse_meta_delete, execute_meta_delete},
    VerbEntry{"ma", Verb::meta_arithmetic, parse_meta_arithmetic, execute_meta_arithmetic},
    VerbEntry{"add", Verb::add, parse_storage, execute_storage},
    VerbEntry{"incr", Verb::incr, parse_arithmetic, execute_arithmetic},
    VerbEntry{"decr", Verb::decr, parse_arithmetic, execute_arithmetic},
    VerbEntry{"cas", Verb::cas, parse_compare_storage, execute_storage},
    VerbEntry{"touch", Verb::touch, parse_touch, execute_touch},
    VerbEntry{"gat", Verb::gat, parse_touch_retrieval, execute_touch_retrieval},
    VerbEntry{"gats", Verb::gats, parse_touch_retrieval, execute_touch_retrieval},
    VerbEntry{"replace", Verb::replace, parse_storage, execute_storage},
    VerbEntry{"append", Verb::append, parse_storage, execute_storage},
    VerbEntry{"prepend", Verb::prepend, parse_storage, execute_storage},
    VerbEntry{"version", Verb::version, parse_words, execute_version},
    VerbEntry{"stats", Verb::stats, parse_words, execute_stats},
    VerbEntry{"flush_all", Verb::flush_all, parse_flush, execute_flush},
    VerbEntry{"quit", Verb::quit, parse_words, execute_quit},
    VerbEntry{"verbosity", Verb::verbosity, parse_verbosity, execute_verbosity},
    VerbEntry{"shutdown", Verb::shutdown, parse_words, execute_shutdown},
    VerbEntry{"cache_memlimit", Verb::cache_memlimit, parse_words, execute_cache_memlimit},
    VerbEntry{"me", Verb::meta_debug, parse_meta_debug, execute_meta_debug},
    VerbEntry{"slabs", Verb::slabs, parse_words, execute_slabs},
    VerbEntry{"lru", Verb::lru, parse_words, execute_lru},
    VerbEntry{"lru_crawler", Verb::lru_crawler, parse_words, execute_lru_crawler},
    VerbEntry{"watch", Verb::watch, parse_words, execute_watch},
    VerbEntry{"refresh_certs", Verb::refresh_certs, parse_words, execute_refresh_certs},
    VerbEntry{"debugtime", Verb::debugtime, parse_words, execute_debugtime},
};

// What an HTTP client, or a browser that was tricked, begins a request with: answering it would
// let a web page speak to the cache.
bool begins_http(std::string_view line) noexcept {
    for (const std::string_view start : {"GET /", "PUT ", "POST ", "DELETE "}) {
        if (line.starts_with(start)) return true;
    }
    return false;
}

}  // namespace

bool names_http(std::string_view line) noexcept {
    while (!line.empty() && line.back() == ' ')
        line.remove_suffix(1);
    const auto blank = line.rfind(' ');
    return blank != std::string_view::npos && line.substr(blank + 1).starts_with("HTTP/");
}

const VerbEntry* find_verb(std::string_view name) noexcept {
    for (const auto& entry : entries) {
        if (entry.name == name) return &entry;
    }
    return nullptr;
}

Answer parse_line(std::string_view line, const VerbEntry*& entry, Command& command) noexcept {
    Words words(line);
    const auto name = words.next();
    if (name.size() < 2) return Answer::bad_line;
    entry = find_verb(name);
    if (entry == nullptr) {
        return begins_http(line) || names_http(line) ? Answer::hang_up : Answer::error;
    }
    command.verb = entry->verb;
    return entry->parse(words, command);
}

}  // namespace twincached::protocol

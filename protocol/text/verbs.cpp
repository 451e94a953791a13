#include "protocol/text/verbs.hpp"

#include "protocol/meta/meta_verbs.hpp"
#include "protocol/reports/administration.hpp"
#include "protocol/text/classic_verbs.hpp"

#include <span>

namespace twincached::protocol {

namespace {

// The verbs of the meta commands have two letters, and no others do.
constexpr std::size_t meta_verb_size = 2;

const Verb* find_in(std::span<const Verb> table, std::string_view name) noexcept {
    for (const auto& verb : table) {
        if (verb.name == name) return &verb;
    }
    return nullptr;
}

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

const Verb* find_verb(std::string_view name) noexcept {
    // The busiest verbs are found first in either table.
    if (name.size() == meta_verb_size) return find_in(meta_verbs(), name);
    const auto* classic = find_in(classic_verbs(), name);
    return classic != nullptr ? classic : find_in(administrative_verbs(), name);
}

Answer parse_line(std::string_view line, const Verb*& verb, Command& command) noexcept {
    Words words(line);
    if (line.size() < 2) return Answer::bad_line;
    verb = find_verb(words.next());
    if (verb == nullptr) {
        command.noreply = asks_no_reply(words.rest());
        return begins_http(line) || names_http(line) ? Answer::hang_up : Answer::error;
    }
    return verb->parse(words, command);
}

}  // namespace twincached::protocol

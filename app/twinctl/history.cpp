#include "app/twinctl/history.hpp"

#include "app/twinctl/node_status.hpp"
#include "app/twinctl/plain_text.hpp"
#include "app/twinctl/status_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace twincached::app {
namespace {

namespace json = boost::json;

// What was logged so long before and after a change has to do with it.
constexpr std::int64_t around_ms = 5000;

std::string clock_text(std::int64_t unix_ms, const char* format) {
    const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    const auto size = std::strftime(text, sizeof text, format, &parts);
    return {text, size};
}

std::string text_of(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : plain_line({text->data(), text->size()});
}

// A count, or a time since 1970; what is none is 0.
std::int64_t number_of(const json::object& object, std::string_view member) {
    constexpr std::int64_t last = 253'402'300'799'999;  // of the year 9999
    const auto* value = object.if_contains(member);
    const auto* number = value == nullptr ? nullptr : value->if_int64();
    return number != nullptr && *number >= 0 && *number <= last ? *number : 0;
}

lib::Parsed<json::array> array_of(std::string_view body) {
    json::error_code error;
    const auto value = json::parse(body, error);
    const auto* array = error ? nullptr : value.if_array();
    if (array == nullptr) return std::string(no_node_answers);
    return *array;
}

std::string node_words(std::string_view name) {
    return name.empty() ? "a node whose name was not known" : fmt::format("node {}", name);
}

std::string sentence_of(const json::object& change) {
    const auto from = text_of(change, "from");
    const auto to = text_of(change, "to");
    if (from.empty())
        return fmt::format("{} became the primary; who it was before is not known", node_words(to));
    return fmt::format("the primary changed from {} to {}", node_words(from), node_words(to));
}

std::string loss_text(const json::object& change) {
    const auto here = text_of(change, "here");
    const auto unconfirmed = number_of(change, "unconfirmed");
    if (unconfirmed == 0)
        return fmt::format("{} had no change that the other had not confirmed", node_words(here));
    return fmt::format(
        "{} had {} changes that the other had not confirmed: they are sent when it is back",
        node_words(here), unconfirmed);
}

}  // namespace

std::string moment_text(std::int64_t unix_ms) {
    return clock_text(unix_ms, "%Y-%m-%d %H:%M:%S UTC");
}

lib::Parsed<std::vector<NodeEvent>> node_events(std::string_view body) {
    const auto lines = array_of(body);
    if (lines.has_error()) return lines.error();
    std::vector<NodeEvent> events;
    for (const auto& value : *lines) {
        const auto* object = value.if_object();
        if (object == nullptr || !object->contains("number")) continue;
        events.push_back({static_cast<std::uint64_t>(number_of(*object, "number")),
                          number_of(*object, "at_ms"), text_of(*object, "level"),
                          text_of(*object, "text")});
    }
    return events;
}

std::string event_line(std::string_view node, const NodeEvent& event) {
    return fmt::format("{}.{:03} {} {} {}\n", clock_text(event.at_ms, "%H:%M:%S"),
                       event.at_ms % 1000, node, event.level, event.text);
}

std::string event_json(std::string_view node, const NodeEvent& event) {
    return json::serialize(json::object{{"asked_at", node},
                                        {"number", event.number},
                                        {"at_ms", event.at_ms},
                                        {"level", event.level},
                                        {"text", event.text}}) +
           "\n";
}

lib::Parsed<json::array> node_history(std::string_view body) {
    const auto history = array_of(body);
    if (history.has_error()) return history.error();
    json::array changes;
    for (const auto& value : *history) {
        if (value.is_object()) changes.push_back(value);
    }
    return changes;
}

// For somebody who was woken: when, from whom to whom, why, what may be missing, and the lines of
// the log around it.
std::string explanation(std::string_view node, const json::array& history,
                        const std::vector<NodeEvent>& events, std::int64_t now_ms) {
    if (history.empty()) return fmt::format("{}: no change of the primary is known\n", node);
    const auto& last = history.back().get_object();
    const auto at = number_of(last, "at_ms");
    const auto ago = static_cast<double>(std::max<std::int64_t>(0, now_ms - at)) / 1000;
    auto text =
        fmt::format("{}: {}, {} ago: {}\n  why: {}\n  {}\n", node, moment_text(at), short_time(ago),
                    sentence_of(last), text_of(last, "why"), loss_text(last));
    bool has_title = false;
    for (const auto& event : events) {
        if (std::abs(event.at_ms - at) > around_ms) continue;
        if (!has_title) text += "  the log around it:\n";
        has_title = true;
        text += "    " + event_line(node, event);
    }
    if (history.size() > 1)
        text += fmt::format("  {} changes before it are in /history\n", history.size() - 1);
    return text;
}

}  // namespace twincached::app

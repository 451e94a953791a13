#include "app/console/live_feed.hpp"

#include <algorithm>

namespace twincached::app {

// Each line of a text is one of the event's (HTML, 9.2.6): both CR and LF end one.
std::string event_text(std::string_view name, std::string_view text) {
    std::string event("event: ");
    event.append(name).append("\n");
    while (!text.empty()) {
        const auto end = std::min(text.size(), text.find_first_of("\r\n"));
        event.append("data: ").append(text.substr(0, end)).append("\n");
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return event.append("\n");
}

std::string LiveFeed::next(const Sources& sources) {
    std::string text;
    if (step_ == 0) {
        text += event_text("status", sources.status());
        auto history = sources.history();
        if (history != history_) text += event_text("history", history);
        history_ = std::move(history);
    } else {
        text += event_text("standing", sources.standing());
    }
    step_ = (step_ + 1) % steps_of_a_status;
    const auto lines = sources.link_lines_after(newest_line_);
    if (lines.newest > newest_line_) text += event_text("link", lines.json);
    newest_line_ = std::max(newest_line_, lines.newest);
    return text;
}

}  // namespace twincached::app

#include "app/endpoint/answers.hpp"

#include "app/console/console_page.hpp"
#include "app/endpoint/item_pages.hpp"
#include "app/endpoint/metrics_page.hpp"
#include "app/endpoint/status_page.hpp"
#include "lib/durations.hpp"
#include "lib/numbers.hpp"

#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

namespace twincached::app {
namespace {

// What a page is made of.
struct Question {
    std::string_view query;  // behind the '?'
    const Request& request;
    const NodeView& node;
};

struct PageRow {
    std::string_view path;
    Answer (*make)(const Question& question);
    std::string_view help;
    bool is_action = false;  // POST
};

Answer line(unsigned status, std::string text) {
    Answer answer{.status = status, .body = std::move(text)};
    answer.body += '\n';
    return answer;
}

Answer told(Verdict verdict) {
    return line(verdict.holds ? 200 : 503, std::move(verdict.why));
}

Answer healthz(const Question&) {
    return line(200, "alive");
}

Answer synchronised(const Question& question) {
    if (question.query.empty()) return told(synchrony(question.node.standing(), std::nullopt));
    constexpr std::string_view name = "lag=";
    if (!question.query.starts_with(name))
        return line(400, "the only parameter here is lag, as in /synchronised?lag=100ms");
    const auto text = question.query.substr(name.size());
    const bool has_unit = !text.empty() && (text.back() < '0' || text.back() > '9');
    const auto lag = lib::parse_duration(text);
    if (!has_unit || lag.has_error())
        return line(400, "lag: a time with its unit is needed, such as 100ms or 2s");
    return told(synchrony(question.node.standing(), *lag));
}

Answer metrics(const Question& question) {
    return metrics_page(question.node, question.request.accept);
}

Answer history(const Question& question) {
    return {.type = "application/json", .body = question.node.history()};
}

// `sentence` says whose it is, by a unix socket; by TCP it takes a token and TLS.
Answer not_yours(const Request& request, std::string_view sentence) {
    switch (request.trust) {
        case Trust::stranger:
            return line(403, std::string(sentence) +
                                 "; or who shows a token of the node where it speaks TLS (tls: in "
                                 "listen of [admin])");
        case Trust::untold:
            return line(403, std::string(sentence) +
                                 "; this node has no token that could be shown (token-file of "
                                 "[admin])");
        case Trust::unproved:
            return line(401, std::string(sentence) + "; or who shows a token of the node");
        case Trust::misled:
            return line(403,
                        "ask by an address, or by localhost: a page of another site could "
                        "have made its name point here");
        case Trust::refused:
        case Trust::owner:
            break;
    }
    return line(401, "the token that was shown is not this node's");
}

// Lines name clients and their addresses: they are for those who may read the log.
Answer events(const Question& question) {
    if (!question.request.may_act())
        return not_yours(
            question.request,
            "only the user of the node and root may read that, by a unix socket of it");
    constexpr std::string_view name = "after=";
    const bool has_number = question.query.starts_with(name);
    const auto number =
        lib::parse_number<std::uint64_t>(question.query.substr(has_number ? name.size() : 0));
    if (!question.query.empty() && !(has_number && number))
        return line(400, "the only parameter here is after, as in /events?after=12");
    return {.type = "application/json", .body = question.node.lines_after(number.value_or(0))};
}

// A browser shows this to nobody's page but the other node's console, which shows both nodes.
Answer live(const Question& question) {
    if (!question.query.empty()) return line(400, "there are no parameters here");
    Answer answer{.type = "text/event-stream; charset=utf-8",
                  .more_headers = "Vary: Origin\r\n",
                  .is_stream = question.request.method != "HEAD"};
    const auto peer = question.node.peer_console;
    if (!peer.empty() && question.request.origin == peer)
        answer.more_headers.append("Access-Control-Allow-Origin: ").append(peer).append("\r\n");
    return answer;
}

// Refused because of how things are: 409 (RFC 9110, 15.5.10).
Answer done(const Question& question, const Action& action) {
    auto verdict = question.node.act(action);
    return line(verdict.holds ? 200 : 409, std::move(verdict.why));
}

template <Action::Kind kind>
Answer act(const Question& question) {
    if (!question.query.empty()) return line(400, "there are no parameters here");
    return done(question, {kind});
}

Answer log_level(const Question& question) {
    constexpr std::string_view name = "level=";
    const auto level = question.query.starts_with(name) ? question.query.substr(name.size()) : "";
    for (unsigned verbosity = 0; !name_of_verbosity(verbosity).empty(); ++verbosity) {
        if (level == name_of_verbosity(verbosity))
            return done(question, {Action::Kind::log_level, verbosity});
    }
    return line(400, "say which, as in /log-level?level=debug: info, debug or trace");
}

// Figures are anybody's who reaches the endpoint; what clients have stored is not.
bool may_read_items(const Request& request) noexcept {
    return request.may_act();
}

Answer status(const Question& question) {
    return status_page(question.node, may_read_items(question.request));
}

template <Answer (*page)(std::string_view, const StoredItems&)>
Answer of_items(const Question& question) {
    if (!may_read_items(question.request))
        return not_yours(
            question.request,
            "items are shown to the user of the node and root, by a unix socket of it");
    if (question.node.items == nullptr) return line(503, "there are no items to look at yet");
    return page(question.query, *question.node.items);
}

// Two nodes that cannot read each other's items can be compared: a digest tells nothing of them.
Answer digest(const Question& question) {
    if (question.node.items != nullptr) return digest_page(question.query, *question.node.items);
    return line(503, "there is nothing to compare yet");
}

// What there is, for whoever has only found the port.
Answer root(const Question& question);

using Kind = Action::Kind;

constexpr PageRow pages[] = {
    {"/", root, "this list; for a browser the console"},
    {"/healthz", healthz, "200: the process lives"},
    {"/readyz", [](const Question& q) { return told(readiness(q.node.standing())); },
     "200: clients may come; 503: why not"},
    {"/primary", [](const Question& q) { return told(primacy(q.node.standing())); },
     "200: ready, and the node to prefer"},
    {"/secondary", [](const Question& q) { return told(secondariness(q.node.standing())); },
     "200: ready, and the other one"},
    {"/synchronised", synchronised, "200: ready, and the peer holds the same; ?lag=100ms"},
    {"/metrics", metrics, "figures for Prometheus, or OpenMetrics by Accept"},
    {"/status", status, "all that is known, as JSON"},
    {"/live", live, "the same, and what happens, as server-sent events"},
    {"/history", history, "the last changes of the primary, as JSON"},
    {"/events", events, "the last lines of the log, as JSON; ?after=12"},
    {"/drain", act<Kind::drain>, "not ready from now on; connections go on", true},
    {"/undrain", act<Kind::undrain>, "the contrary", true},
    {"/promote", act<Kind::promote>, "this node is the primary now", true},
    {"/switchover", act<Kind::switch_over>, "the other node is, once it has what is here", true},
    {"/resync", act<Kind::resync>, "all is compared with the other node again", true},
    {"/log-level", log_level, "?level=info, debug or trace", true},
    {"/keys", of_items<keys_page>, "what is kept; ?prefix=, bucket=, from=, limit=; not for all"},
    {"/items", of_items<items_page>, "the same, with values; not for all"},
    {"/digest", digest, "of each bucket of keys, to compare two nodes by"},
};

Answer contents() {
    std::string text;
    for (const auto& page : pages)
        text.append(page.is_action ? "POST " : "")
            .append(page.path)
            .append("  ")
            .append(page.help)
            .append("\n");
    text.pop_back();
    return line(200, std::move(text));
}

// Browsers ask for HTML by name; curl, scripts and probes do not.
Answer root(const Question& question) {
    if (question.request.accept.find("text/html") == std::string_view::npos) return contents();
    const auto peer = question.node.peer_console;
    return {.type = "text/html; charset=utf-8",
            .body = console_page(peer),
            .more_headers = console_headers(peer)};
}

// Of "http://host/path?query", which proxies send, "/path?query".
std::string_view without_authority(std::string_view target) noexcept {
    constexpr std::string_view scheme = "http://";
    if (!target.starts_with(scheme)) return target;
    const auto path = target.find('/', scheme.size());
    return path == std::string_view::npos ? "/" : target.substr(path);
}

Answer not_this_way(std::string_view why, std::string_view allow) {
    auto refusal = line(405, std::string(why));
    refusal.allow = allow;
    return refusal;
}

// Whoever reads is answered, whoever acts has to show that he may; the method is judged first, so
// that a mistake is told as one.
Answer taken(const PageRow& page, const Question& question) {
    const auto method = question.request.method;
    if (!page.is_action) {
        if (method == "GET" || method == "HEAD") return page.make(question);
        return not_this_way("only GET and HEAD are answered here", "GET, HEAD");
    }
    if (method != "POST") return not_this_way("this changes something: ask by POST", "POST");
    // Whoever looks at a node through a tunnel has a browser that may act, and any page in it could
    // use that; but browsers say whose page sends a POST.
    if (!question.request.origin.empty()) return line(403, "no page of a browser may do that");
    if (question.request.may_act()) return page.make(question);
    return not_yours(question.request,
                     "only the user of the node and root may do that, by a unix socket of it");
}

}  // namespace

std::string_view name_of_verbosity(unsigned verbosity) noexcept {
    constexpr std::string_view names[] = {"info", "debug", "trace"};
    return verbosity < std::size(names) ? names[verbosity] : std::string_view();
}

// The pages are few: they are gone through.
Answer answer(const Request& request, const NodeView& node) {
    const auto target = without_authority(request.target);
    if (!target.starts_with('/')) return line(400, "the target must be a path, such as /readyz");
    const auto mark = target.find('?');
    const auto path = target.substr(0, mark);
    const auto query =
        mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    for (const auto& page : pages) {
        if (page.path == path) return taken(page, {query, request, node});
    }
    return line(404, "no such page; / lists those that there are");
}

}  // namespace twincached::app

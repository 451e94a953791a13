#include "app/endpoint/answers.hpp"

#include "app/endpoint/metrics_page.hpp"
#include "app/endpoint/status_page.hpp"
#include "lib/durations.hpp"

#include <chrono>
#include <optional>

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
    return metrics_page(question.node.figures, question.request.accept);
}

Answer status(const Question& question) {
    return status_page(question.node);
}

Answer contents(const Question&);

constexpr PageRow pages[] = {
    {"/", contents, "this list"},
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
};

Answer contents(const Question&) {
    std::string text;
    for (const auto& page : pages)
        text.append(page.path).append("  ").append(page.help).append("\n");
    text.pop_back();
    return line(200, std::move(text));
}

// Of "http://host/path?query", which proxies send, "/path?query".
std::string_view without_authority(std::string_view target) noexcept {
    constexpr std::string_view scheme = "http://";
    if (!target.starts_with(scheme)) return target;
    const auto path = target.find('/', scheme.size());
    return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

Answer answer(const Request& request, const NodeView& node) {
    const auto target = without_authority(request.target);
    if (!target.starts_with('/')) return line(400, "the target must be a path, such as /readyz");
    const auto mark = target.find('?');
    const auto path = target.substr(0, mark);
    const auto query =
        mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    for (const auto& page : pages) {
        if (page.path != path) continue;
        if (request.method == "GET" || request.method == "HEAD")
            return page.make({query, request, node});
        auto refusal = line(405, "only GET and HEAD are answered here");
        refusal.allow = "GET, HEAD";
        return refusal;
    }
    return line(404, "no such page; / lists those that there are");
}

}  // namespace twincached::app

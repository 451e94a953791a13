// The words of the admin endpoint: what is asked, what is answered, and what answers are made of.
// Values, without HTTP's syntax.
#pragma once

#include "app/endpoint/entry/trust.hpp"
#include "app/endpoint/standing.hpp"
#include "lib/figure_row.hpp"
#include "lib/function_ref.hpp"
#include "protocol/observation/hot_keys.hpp"
#include "protocol/observation/latencies.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::app {

// Valid as long as what it was read from.
struct Request {
    std::string_view method;
    std::string_view target;  // as it was sent: "/synchronised?lag=100ms"
    std::string_view accept = {};
    std::string_view authorization = {};  // the header, as it came
    Trust trust = Trust::stranger;
    // Of a page from elsewhere whose browser asks; empty: nobody says so.
    std::string_view origin = {};
    std::string_view host = {};  // by which name he came; empty: he says none

    bool may_act() const noexcept { return trust == Trust::owner; }
};

// What an operator tells the node.
struct Action {
    enum class Kind : std::uint8_t { drain, undrain, promote, switch_over, resync, log_level };
    Kind kind = Kind::drain;
    unsigned verbosity = 0;  // of log_level: 0 info, 1 debug, 2 trace
};
std::string_view name_of_verbosity(unsigned verbosity) noexcept;

struct Answer {
    unsigned status = 200;
    std::string_view type = "text/plain; charset=utf-8";
    std::string body{};
    std::string_view allow = {};    // of 405: the methods that would do
    std::string more_headers = {};  // whole lines, each with its CRLF
    // What has begun goes on: events follow (LiveFeed) until one of the two ends it.
    bool is_stream = false;
};

struct StoredItems;  // item_pages.hpp

// Looks at the node, each time that it is called. /healthz calls neither, so that it depends on
// nothing but the endpoint's own thread.
struct NodeView {
    lib::FunctionRef<Standing()> standing;
    // All that `stats` and `stats replication` tell.
    lib::FunctionRef<void(lib::FigureVisitor)> figures;
    // JSON: the last changes of the primary, and the lines of the log behind that number.
    lib::FunctionRef<std::string()> history;
    lib::FunctionRef<std::string(std::uint64_t)> lines_after;
    // Does what it is told, or says why not. Asked by whoever may act alone.
    lib::FunctionRef<Verdict(const Action&)> act;
    // Null: there is no store to look at.
    const StoredItems* items = nullptr;
    // How long requests take; null: nobody measures.
    const protocol::LatencyTally* latencies = nullptr;
    // Told to whoever may read items; null: nobody counts.
    const protocol::HotKeys* hot_keys = nullptr;
    // The origin of the other node's console; empty: not known.
    std::string_view peer_console = {};
};

}  // namespace twincached::app

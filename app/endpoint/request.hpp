// The words of the admin endpoint: what is asked, what is answered, and what answers are made of.
// Values, without HTTP's syntax.
#pragma once

#include "app/endpoint/standing.hpp"
#include "lib/figure_row.hpp"
#include "lib/function_ref.hpp"

#include <string>
#include <string_view>

namespace twincached::app {

// Valid as long as what it was read from.
struct Request {
    std::string_view method;
    std::string_view target;  // as it was sent: "/synchronised?lag=100ms"
    std::string_view accept = {};
};

struct Answer {
    unsigned status = 200;
    std::string_view type = "text/plain; charset=utf-8";
    std::string body{};
    std::string_view allow = {};  // of 405: the methods that would do
};

// Looks at the node, each time that it is called. /healthz calls neither, so that it depends on
// nothing but the endpoint's own thread.
struct NodeView {
    lib::FunctionRef<Standing()> standing;
    // All that `stats` and `stats replication` tell.
    lib::FunctionRef<void(lib::FigureVisitor)> figures;
};

}  // namespace twincached::app

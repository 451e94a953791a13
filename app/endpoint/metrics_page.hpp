// /metrics: every figure, in the text format of Prometheus (0.0.4), or in OpenMetrics (1.0.0) for
// who prefers that. A figure whose words are known beforehand is one series for each word; other
// texts are in /status alone. Pure.
#pragma once

#include "app/endpoint/request.hpp"
#include "lib/figure_row.hpp"
#include "lib/function_ref.hpp"

#include <string_view>

namespace twincached::app {

Answer metrics_page(const NodeView& node, std::string_view accept);

// Whether a header `Accept` of HTTP (RFC 9110, 12.5.1) names OpenMetrics, and plain text not more
// urgently.
bool prefers_openmetrics(std::string_view accept) noexcept;

}  // namespace twincached::app

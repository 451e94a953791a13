// /status: all that the node knows of itself, as JSON. docs/status.schema.json says which members
// there are; hot keys are told to whoever may read items alone; a member is never taken away, nor
// does its meaning change. Pure.
#pragma once

#include "app/endpoint/request.hpp"

#include <string>

namespace twincached::app {

Answer status_page(const NodeView& node, bool may_read_items);
// The same without what takes longer to find out, or to send: latency, hot keys and figures.
std::string standing_json(const Standing& standing);

}  // namespace twincached::app

// /status: all that the node knows of itself, as JSON. docs/status.schema.json says which members
// there are; hot keys are told to whoever may read items alone; a member is never taken away, nor
// does its meaning change. Pure.
#pragma once

#include "app/endpoint/request.hpp"

namespace twincached::app {

Answer status_page(const NodeView& node, bool may_read_items);

}  // namespace twincached::app

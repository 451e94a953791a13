// What is answered to a request about the node: the pages and who makes them. Pure: no socket, no
// HTTP syntax. A new page is a row in answers.cpp; so is an action, which changes something, is
// asked for by POST, and done for those alone who may act.
#pragma once

#include "app/endpoint/request.hpp"

namespace twincached::app {

// Also the answer to HEAD, whose body is not sent.
Answer answer(const Request& request, const NodeView& node);

}  // namespace twincached::app

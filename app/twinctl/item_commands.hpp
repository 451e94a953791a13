// What twinctl does with the items of nodes: lists, compares, saves and restores them. Each asks
// nodes for bounded pages, one after the other, and prints as it goes: memory is bounded by a page
// and the largest item, whatever a node holds.
#pragma once

#include "app/twinctl/arguments.hpp"
#include "lib/function_ref.hpp"

#include <string>
#include <string_view>

namespace twincached::app {

using Print = lib::FunctionRef<void(std::string_view)>;

struct Outcome {
    int exit_code = 0;
    std::string complaint{};  // a sentence; empty: none
};

// As diff(1) ends: 0 equal, 1 different, 2 they could not be compared.
inline constexpr int digest_differs = 1;
inline constexpr int digest_failed = 2;

// REQUIRES, of all: there is a node. They say so if it is not as many as they need.
Outcome list_keys(const Arguments& arguments, Print print);
Outcome compare_digests(const Arguments& arguments, Print print);
Outcome dump_items(const Arguments& arguments, Print print);
// Needs no node: it goes where clients go.
Outcome load_items(const Arguments& arguments, Print print);

}  // namespace twincached::app

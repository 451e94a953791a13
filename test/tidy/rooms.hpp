// The rooms of the house: folders of the product, and which of them include which. For tests that
// read the tree. A layer's root is no room: each of its files is either vocabulary, which every
// room may include, or a facade, which includes rooms and which no room includes.
#pragma once

#include "test/tidy/source_tree.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::tidy {

// The folder of a file: "storage/memory"; "storage" for a file at the layer's root.
std::string room_of(std::string_view path);
bool is_root(std::string_view room);

struct RoomArrow {
    std::string from;
    std::string to;
    std::string because;  // "file:line: #include ..."
};

// Between different folders of one layer, those of the roots as well.
std::vector<RoomArrow> arrows_between_rooms(const std::vector<SourceFile>& files);

// Each circle once, as "a -> b -> a"; none if the arrows have an order.
std::vector<std::string> circles_in(const std::map<std::string, std::set<std::string>>& arrows);

}  // namespace twincached::tidy

// Lists of objects in an order, as policies keep them: an object is in one list at most, has a size
// there, and every list knows its bytes. All operations take constant time.
#pragma once

#include <cstdint>
#include <vector>

namespace twincached::misses {

using Object = std::uint32_t;

class Queues {
  public:
    // The lists are numbered from 1; 0 means in none.
    Queues(std::uint32_t objects, unsigned lists) : nodes_(objects), lists_(lists + 1) {}

    unsigned list_of(Object object) const { return nodes_[object].list; }
    std::uint32_t bytes_of(Object object) const { return nodes_[object].bytes; }
    std::uint64_t bytes(unsigned list) const { return lists_[list].bytes; }
    std::uint64_t count(unsigned list) const { return lists_[list].count; }
    bool is_empty(unsigned list) const { return lists_[list].count == 0; }
    // REQUIRES: it is not empty.
    Object oldest(unsigned list) const { return lists_[list].oldest; }
    // The next newer one in its list. REQUIRES: there is one.
    Object newer(Object object) const { return nodes_[object].newer; }

    // As the newest of that list; leaves the one that it was in.
    void push(unsigned list, Object object, std::uint32_t bytes) {
        remove(object);
        List& to = lists_[list];
        nodes_[object] = {to.newest, none, bytes, static_cast<std::uint8_t>(list)};
        (to.newest != none ? nodes_[to.newest].newer : to.oldest) = object;
        to.newest = object;
        to.bytes += bytes;
        ++to.count;
    }
    void move(unsigned list, Object object) { push(list, object, nodes_[object].bytes); }
    void remove(Object object) {
        Node& node = nodes_[object];
        if (node.list == 0) return;
        List& from = lists_[node.list];
        (node.older != none ? nodes_[node.older].newer : from.oldest) = node.newer;
        (node.newer != none ? nodes_[node.newer].older : from.newest) = node.older;
        from.bytes -= node.bytes;
        --from.count;
        node.list = 0;
    }

  private:
    static constexpr Object none = ~Object{0};
    struct Node {
        Object older = none;
        Object newer = none;
        std::uint32_t bytes = 0;
        std::uint8_t list = 0;
    };
    struct List {
        Object oldest = none;
        Object newest = none;
        std::uint64_t bytes = 0;
        std::uint64_t count = 0;
    };

    std::vector<Node> nodes_;
    std::vector<List> lists_;
};

}  // namespace twincached::misses

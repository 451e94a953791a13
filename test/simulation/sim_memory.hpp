// What a node leaves behind at an orderly stop, and finds again after a warm restart.
#pragma once

#include "storage/shard/saved_item.hpp"
#include "storage/store.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace twincached::simulation {

struct SimMemory {
    std::string remembered;  // the driver's own
    storage::Store::Registers registers;
    struct Kept {
        std::string head;
        std::string value;
    };
    std::vector<Kept> items;
};

inline SimMemory memory_of(storage::Store& store, std::string remembered) {
    SimMemory memory{std::move(remembered), store.registers(), {}};
    store.save([&](const storage::SavedItem& item) {
        std::array<char, storage::saved_item_head_most> head{};
        const auto size = storage::write_head(item, head.data());
        memory.items.push_back({std::string(head.data(), size), std::string(item.value)});
        return true;
    });
    return memory;
}

// After the registers, and what the driver remembers. on_item(key) after each.
template <class OnItem>
void restore_items(storage::Store& store, const SimMemory& memory, const storage::Now& now,
                   OnItem on_item) {
    for (const auto& kept : memory.items) {
        auto head = storage::read_head(kept.head);
        if (!head) std::abort();
        head->item.value = kept.value;
        (void)store.restore(head->item, now);
        on_item(std::string(head->item.key));
    }
}

}  // namespace twincached::simulation

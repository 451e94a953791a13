// All items of a store and its registers, as a memory file would keep them over a warm restart, but
// in memory. A value.
#pragma once

#include "storage/store.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace twincached::test {

class KeptItems {
  public:
    explicit KeptItems(storage::Store& store) : registers_(store.registers()) {
        store.save([this](const storage::SavedItem& item) {
            std::array<char, storage::saved_item_head_most> head{};
            const auto size = storage::write_head(item, head.data());
            items_.push_back({std::string(head.data(), size), std::string(item.value)});
            return true;
        });
    }

    // Before the replicator recalls what it remembers; and after that.
    void restore_registers(storage::Store& store) const { store.restore(registers_); }
    void restore(storage::Store& store, const storage::Now& now) const {
        for (const auto& kept : items_) {
            auto head = storage::read_head(kept.head);
            if (!head) std::abort();
            head->item.value = kept.value;
            (void)store.restore(head->item, now);
        }
    }

  private:
    struct Kept {
        std::string head;
        std::string value;
    };
    storage::StoreRegisters registers_;
    std::vector<Kept> items_;
};

}  // namespace twincached::test

// How a store's items, and what it knows beside them, leave before a restart and come back after
// it.
//
// A part of Store, over its core. No other thread may use the store meanwhile.
#pragma once

#include "storage/flushes.hpp"
#include "storage/memory/value_reservation.hpp"
#include "storage/shard/shard_restart.hpp"
#include "storage/store_core.hpp"

namespace twincached::storage {

class RestartOperations {
  public:
    explicit RestartOperations(StoreCore& core) noexcept : core_(core) {}

    using Registers = StoreRegisters;
    Registers registers() const noexcept { return core_.flushes.registers(); }
    // Before any item. Times are those of the same steady clock, which has gone on.
    void restore(const Registers& registers) noexcept { core_.flushes.restore(registers); }
    // Every item that is worth taking along, also what has expired. The visitor says whether to go
    // on.
    void save(SavedItemVisitor visit) noexcept;
    // Into a store that was empty. What does not fit evicts others, as any insertion does; the sink
    // is told of what comes back, and of what does not stay.
    RestoreOutcome restore(const SavedItem& saved, const Now& now) noexcept;
    // The value was read straight into `value`; saved.value is ignored.
    RestoreOutcome restore(SavedItem saved, const Now& now, ValueReservation value) noexcept;

  private:
    StoreCore& core_;
};

}  // namespace twincached::storage

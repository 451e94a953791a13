// An item apart from the place where it lies: what is to be written, or was read. Item keeps the
// same in its 18 bytes of header and behind them; a restart carries it from one store to the next.
#pragma once

#include "storage/exptime.hpp"
#include "storage/version.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::storage {

using ExtentNumber = std::uint32_t;  // of a large value's memory; 0 = none

// What an item is beside its key, value and version, wherever it lies.
struct ItemState {
    Expiry expiry;
    Tick last_access = 0;
    std::uint32_t client_flags = 0;
    std::optional<std::uint64_t> explicit_cas;
    std::uint8_t frequency = 0;  // at most frequency_limit
    bool fetched = false;
    bool stale = false;
    bool won = false;
    bool binary_key = false;
};

// All that an item is made of, but for its value.
struct ItemForm : ItemState {
    ItemForm() = default;
    explicit ItemForm(const ItemState& state) noexcept : ItemState(state) {}

    std::string_view key;
    std::uint64_t value_bytes = 0;
    Version version = 0;
    Version birth = 0;        // of an item with version 0
    ExtentNumber extent = 0;  // not 0: large
    // It may be given an expiry later, where it lies.
    bool has_place_for_expiry = false;

    bool keeps_expiry() const noexcept { return has_place_for_expiry || !expiry.is_never(); }
    std::size_t value_bytes_in_slab() const noexcept;
    // What it takes of a slab.
    std::uint32_t slab_bytes() const noexcept;
    bool is_stub() const noexcept { return version == 0; }
};

}  // namespace twincached::storage

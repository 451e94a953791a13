#include "test/support/failing_allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace twincached {

namespace {

struct State {
    bool is_on = false;
    bool goes_on_failing = false;
    bool has_failed = false;
    unsigned spared = 0;  // how many AllocationsSucceed there are
    std::uint64_t until_failure = 0;
};
thread_local State state;

bool fails() noexcept {
    if (!state.is_on || state.spared != 0) return false;
    if (state.has_failed) return state.goes_on_failing;
    if (--state.until_failure != 0) return false;
    state.has_failed = true;
    return true;
}

}  // namespace

FailingAllocations::FailingAllocations(std::uint64_t nth, Kind kind) noexcept {
    state = {true, kind == Kind::from_then_on, false, 0, nth};
}

FailingAllocations::~FailingAllocations() {
    state = {};
}

bool FailingAllocations::has_failed() const noexcept {
    return state.has_failed;
}

AllocationsSucceed::AllocationsSucceed() noexcept {
    ++state.spared;
}

AllocationsSucceed::~AllocationsSucceed() {
    if (state.spared != 0) --state.spared;
}

AllocationsMayFail::AllocationsMayFail() noexcept : spared_(std::exchange(state.spared, 0)) {}

AllocationsMayFail::~AllocationsMayFail() {
    state.spared = spared_;
}

namespace {

void* allocate(std::size_t size) noexcept {
    return fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
    const auto unit = static_cast<std::size_t>(alignment);
    return fails() ? nullptr : std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
}

}  // namespace

}  // namespace twincached

// All of the replaceable ones that the others do not call by themselves.
void* operator new(std::size_t size) {
    void* memory = twincached::allocate(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return twincached::allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    void* memory = twincached::allocate(size, alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

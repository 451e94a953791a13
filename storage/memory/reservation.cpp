#include "storage/memory/reservation.hpp"

#include "lib/round_up.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace twincached::storage {

namespace {

// Fewer, larger steps of mprotect; memory is used only where it is written.
constexpr std::size_t usual_step_bytes = std::size_t{1} << 20;
// Of x86-64 and of ARM with pages of 4 KiB.
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

// MADV_POPULATE_WRITE of <linux/mman.h>, which older libraries lack.
constexpr int populate_write = 23;
// MADV_DONTNEED_LOCKED, of Linux 5.18: what is written there again is locked again.
constexpr int drop_locked = 24;

void* reserve(std::size_t bytes) noexcept {
    return ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

}  // namespace

Reservation::Reservation(const AddressSpace& space)
    : size_(lib::round_up(space.bytes, page_bytes)), is_locked_(space.is_locked) {
    const bool is_huge = space.pages == PageSize::huge;
    step_ = is_huge ? huge_page_bytes : usual_step_bytes;
    // It must begin where a huge page can.
    mapped_ = size_ + (is_huge ? huge_page_bytes : 0);
    void* mapping = reserve(mapped_);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    mapping_ = static_cast<char*>(mapping);
    base_ = mapping_;
    if (!is_huge) return;
    base_ += lib::round_up(reinterpret_cast<std::uintptr_t>(mapping_), huge_page_bytes) -
             reinterpret_cast<std::uintptr_t>(mapping_);
    // Refused by a kernel without huge pages, and as well without them.
    (void)::madvise(base_, size_, MADV_HUGEPAGE);
}

Reservation::~Reservation() {
    ::munmap(mapping_, mapped_);
}

bool Reservation::is_to_be_had(std::size_t bytes) noexcept {
    void* mapping = reserve(bytes);
    if (mapping == MAP_FAILED) return false;
    ::munmap(mapping, bytes);
    return true;
}

bool Reservation::commit_to(std::size_t bytes) noexcept {
    if (bytes <= committed_) return true;
    if (bytes > size_) return false;
    const std::size_t end = std::min(size_, lib::round_up(bytes, step_));
    if (::mprotect(base_ + committed_, end - committed_, PROT_READ | PROT_WRITE) != 0) return false;
    if (is_locked_) lock(committed_, end - committed_);
    committed_ = end;
    return true;
}

// Refused beyond what the process may lock: the memory is usable all the same, and the server has
// said at its start that it may be paged out.
void Reservation::lock(std::size_t offset, std::size_t bytes) noexcept {
    (void)::mlock2(base_ + offset, bytes, MLOCK_ONFAULT);
}

void Reservation::populate(std::size_t offset, std::size_t bytes) noexcept {
    const std::size_t begin = offset / page_bytes * page_bytes;
    (void)::madvise(base_ + begin, offset + bytes - begin, populate_write);
}

void Reservation::give_back(std::size_t offset, std::size_t bytes) noexcept {
    const std::size_t begin = lib::round_up(offset, page_bytes);
    const std::size_t end = (offset + bytes) / page_bytes * page_bytes;
    if (begin >= end) return;
    if (is_locked_) {
        // Of pages that are locked an older system takes none back.
        if (::madvise(base_ + begin, end - begin, drop_locked) == 0) return;
        ::munlock(base_ + begin, end - begin);
    }
    ::madvise(base_ + begin, end - begin, MADV_DONTNEED);
    if (is_locked_) lock(begin, end - begin);
}

}  // namespace twincached::storage

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

}  // namespace

Reservation::Reservation(const AddressSpace& space)
    : size_(lib::round_up(space.bytes, page_bytes)) {
    const bool is_huge = space.pages == PageSize::huge;
    step_ = is_huge ? huge_page_bytes : usual_step_bytes;
    // It must begin where a huge page can.
    mapped_ = size_ + (is_huge ? huge_page_bytes : 0);
    void* mapping =
        ::mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

bool Reservation::commit_to(std::size_t bytes) noexcept {
    if (bytes <= committed_) return true;
    if (bytes > size_) return false;
    const std::size_t end = std::min(size_, lib::round_up(bytes, step_));
    if (::mprotect(base_ + committed_, end - committed_, PROT_READ | PROT_WRITE) != 0) return false;
    committed_ = end;
    return true;
}

void Reservation::populate(std::size_t offset, std::size_t bytes) noexcept {
    const std::size_t begin = offset / page_bytes * page_bytes;
    (void)::madvise(base_ + begin, offset + bytes - begin, populate_write);
}

void Reservation::give_back(std::size_t offset, std::size_t bytes) noexcept {
    const std::size_t begin = lib::round_up(offset, page_bytes);
    const std::size_t end = (offset + bytes) / page_bytes * page_bytes;
    if (begin < end) ::madvise(base_ + begin, end - begin, MADV_DONTNEED);
}

}  // namespace twincached::storage

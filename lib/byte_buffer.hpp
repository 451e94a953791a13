// A growing run of bytes that is filled at its end and consumed at its front: what a socket's
// reads are gathered in and what answers are composed in. One owner, no locks.
//
//      [ consumed | readable ........ | writable ... ]
//                 begin_              end_           capacity
//
// Views into it hold until the next call that may grow, compact or consume it.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace twincached::lib {

class ByteBuffer {
  public:
    ByteBuffer() noexcept = default;
    ~ByteBuffer() { ::operator delete(data_); }
    ByteBuffer(ByteBuffer&& other) noexcept { swap(other); }
    ByteBuffer& operator=(ByteBuffer&& other) noexcept {
        ByteBuffer(std::move(other)).swap(*this);
        return *this;
    }

    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::string_view readable() const noexcept { return {data_ + begin_, size()}; }

    void consume(std::size_t count) noexcept {
        assert(count <= size());
        begin_ += count;
        if (begin_ == end_) begin_ = end_ = 0;
    }

    // Room for at least `count` more bytes at the end; to be followed by commit(). Throws
    // std::bad_alloc, and then has changed nothing.
    char* prepare(std::size_t count) {
        if (capacity_ - end_ < count) make_room(count);
        return data_ + end_;
    }
    std::size_t writable_size() const noexcept { return capacity_ - end_; }
    void commit(std::size_t count) noexcept {
        assert(count <= capacity_ - end_);
        end_ += count;
    }

    void append(std::string_view bytes) {
        if (bytes.empty()) return;
        std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
        commit(bytes.size());
    }
    void append(char byte) {
        *prepare(1) = byte;
        commit(1);
    }

    void clear() noexcept { begin_ = end_ = 0; }

    // Takes back what was appended after the buffer held `size` bytes.
    void truncate(std::size_t size) noexcept {
        assert(size <= this->size());
        end_ = begin_ + size;
    }

    // Gives the memory back. REQUIRES: empty().
    void release() noexcept {
        assert(empty());
        ::operator delete(data_);
        data_ = nullptr;
        begin_ = end_ = capacity_ = 0;
    }

    void swap(ByteBuffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        std::swap(capacity_, other.capacity_);
    }

  private:
    void make_room(std::size_t count) {
        const std::size_t held = size();
        if (begin_ >= held && capacity_ - held >= count) {
            if (held > 0) std::memcpy(data_, data_ + begin_, held);
        } else {
            std::size_t grown = capacity_ < 256 ? 512 : capacity_ * 2;
            while (grown - held < count)
                grown *= 2;
            auto* bigger = static_cast<char*>(::operator new(grown));
            if (held > 0) std::memcpy(bigger, data_ + begin_, held);
            ::operator delete(data_);
            data_ = bigger;
            capacity_ = grown;
        }
        begin_ = 0;
        end_ = held;
    }

    char* data_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace twincached::lib

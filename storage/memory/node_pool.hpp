// Memory for the nodes of a container whose owner must not fail when it frees something: to note
// that a run is free takes a node, and there may be no memory for one just then. So the owner asks
// for the nodes in advance, when it may still refuse, and takes them from here.
//
//    prepare(n) --may fail--> [ free nodes ] <--> the containers, by PoolAllocator
//
// Guarded by whatever guards the containers; it outlives them.
#pragma once

#include <cassert>
#include <cstddef>
#include <new>

namespace twincached::storage {

class NodePool {
  public:
    NodePool() = default;
    ~NodePool() { trim(0); }
    NodePool(const NodePool&) = delete;
    NodePool& operator=(const NodePool&) = delete;

    // So many free nodes are there when it returns; false if there is no memory for them.
    [[nodiscard]] bool prepare(std::size_t count) noexcept {
        while (free_count_ < count) {
            void* memory = ::operator new(node_bytes, std::nothrow);
            if (memory == nullptr) return false;
            put(memory);
        }
        return true;
    }
    // Gives back what is free beyond that.
    void trim(std::size_t count) noexcept {
        while (free_count_ > count)
            ::operator delete(take());
    }
    std::size_t free_count() const noexcept { return free_count_; }

    // REQUIRES: prepare() has seen to it that there is one.
    void* take() noexcept {
        assert(first_ != nullptr && "prepare() was called");
        Node* node = first_;
        first_ = node->next;
        --free_count_;
        return node;
    }
    void put(void* memory) noexcept {
        first_ = ::new (memory) Node{first_};
        ++free_count_;
    }

    // Of a tree's node with two small numbers in it.
    static constexpr std::size_t node_bytes = 48;

  private:
    struct Node {
        Node* next;
    };

    Node* first_ = nullptr;
    std::size_t free_count_ = 0;
};

// What a standard container asks for nodes.
template <class Value>
class PoolAllocator {
  public:
    using value_type = Value;

    explicit PoolAllocator(NodePool& pool) noexcept : pool_(&pool) {}
    template <class Other>
    explicit PoolAllocator(const PoolAllocator<Other>& other) noexcept : pool_(&other.pool()) {}

    Value* allocate([[maybe_unused]] std::size_t count) noexcept {
        static_assert(sizeof(Value) <= NodePool::node_bytes);
        assert(count == 1 && "nodes come one by one");
        return static_cast<Value*>(pool_->take());
    }
    void deallocate(Value* value, std::size_t) noexcept { pool_->put(value); }

    NodePool& pool() const noexcept { return *pool_; }
    template <class Other>
    bool operator==(const PoolAllocator<Other>& other) const noexcept {
        return pool_ == &other.pool();
    }

  private:
    NodePool* pool_;
};

}  // namespace twincached::storage

#include "app/sessions/io_pool.hpp"

#include "app/sessions/io_thread.hpp"

namespace twincached::app {

IoPool::IoPool(const IoPoolOptions& options, const SystemClock& clock, ConnectionLimit& limit)
    : options_(options), clock_(clock), limit_(limit) {}

IoPool::~IoPool() {
    stop();
}

void IoPool::start(protocol::Service& service) {
    for (std::size_t i = 0; i < options_.sessions.threads; ++i)
        threads_.push_back(std::make_unique<IoThread>(i, options_, service, clock_, limit_));
    for (auto& thread : threads_)
        thread->start();
}

void IoPool::deal(NewClient client) {
    client.id = ++last_id_;
    threads_[next_]->take(client);
    next_ = (next_ + 1) % threads_.size();
}

void IoPool::serve_datagrams(const std::vector<int>& descriptors, const DatagramName& name) {
    const lib::MutexLock lock(mutex_);
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
        datagram_sockets_.push_back({descriptors[i], name});
        threads_[i % threads_.size()]->serve_datagrams(descriptors[i]);
    }
}

std::vector<IoPool::DatagramSocket> IoPool::datagram_sockets() const {
    const lib::MutexLock lock(mutex_);
    return datagram_sockets_;
}

void IoPool::drain() {
    for (auto& thread : threads_)
        thread->drain();
}

void IoPool::disconnect() {
    for (auto& thread : threads_)
        thread->disconnect();
}

void IoPool::stop() noexcept {
    for (auto& thread : threads_)
        thread->ask_to_stop();
    for (auto& thread : threads_)
        thread->join();
}

void IoPool::visit_counters(
    lib::FunctionRef<void(const protocol::ThreadCounters&)> visit) const noexcept {
    for (const auto& thread : threads_)
        visit(thread->counters());
}

void IoPool::visit_sessions(lib::FunctionRef<void(const Session&)> visit) const {
    for (const auto& thread : threads_)
        thread->registry().visit(visit);
}

}  // namespace twincached::app

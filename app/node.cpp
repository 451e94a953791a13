#include "app/node.hpp"

#include "app/process/process_options.hpp"
#include "app/process/service_notification.hpp"
#include "app/restart/memory_file_options.hpp"
#include "lib/sizes.hpp"
#include "replication/registry.hpp"
#include "replication/replication_options.hpp"
#include "storage/store_options.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace twincached::app {

namespace {

// By which nobody can choose keys that are alike: that of a node alone nobody else needs to know,
// that of a pair is made of its secret. A pair without one has a public one.
lib::KeyedHash hash_of(const replication::Replicator& replicator, const std::string& secret) {
    if (!replicator.node()) return lib::KeyedHash::random();
    return secret.empty() ? lib::KeyedHash() : lib::KeyedHash::of_secret(secret);
}

}  // namespace

Node::Node(const Parts& parts, replication::Setup setup, replication::Events events)
    : parts_(parts), setup_(std::move(setup)), events_(std::move(events)) {
    build();
    if (!parts_.options.get<MemoryFileOptions>().path.empty()) recall_items();
    maintenance_ = std::make_unique<Maintenance>(*store_, *replicator_, parts_.clock);
}

void Node::build(std::optional<lib::KeyedHash> hash) {
    auto stored = parts_.options.get<storage::StoreOptions>();
    store_.reset();
    replicator_ =
        replication::make_replicator(replication::replicator_factories(), setup_, events_);
    stored.node = replicator_->node();
    stored.lock_memory = parts_.options.get<ProcessOptions>().lock_memory;
    if (!hash) hash = hash_of(*replicator_, setup_.secret);
    try {
        store_ = std::make_unique<storage::Store>(stored, *hash, replicator_->sink());
    } catch (const std::runtime_error& error) {
        if (!replicator_->node()) throw;
        const auto& log = parts_.options.get<replication::ReplicationOptions>();
        throw std::runtime_error(fmt::format("{}; log-memory, {}, has taken its part of it before",
                                             error.what(), lib::size_text(log.log_memory_bytes)));
    }
}

// The node's own clock goes on from where it stood, and so every expiry keeps its meaning.
void Node::recall_items() {
    const auto& options = parts_.options.get<MemoryFileOptions>();
    memory_file_ = std::make_unique<MemoryFile>(options.path, options.timeout, parts_.log);
    const auto clocks = parts_.clock.reading();
    const auto saved = memory_file_->open(clocks);
    if (!saved) return;
    parts_.clock.go_on_from(saved->header.steady_ms + saved->away_ms, clocks);
    hash_as_saved(saved->header.hash_check);
    if (!memory_file_->load(*saved, {*store_, *replicator_}, parts_.clock.now())) build();
}

// What is known of the other node is by the buckets of that hash; so is what the other knows.
void Node::hash_as_saved(std::uint64_t check) {
    if (!replicator_->node() || setup_.secret.empty()) return;
    const auto is_it = [&](const lib::KeyedHash& hash) {
        return MemoryFile::hash_check_of(hash) == check;
    };
    const lib::KeyedHash as_before(setup_.secret);
    if (is_it(as_before)) {
        parts_.log.info("keys hash in the way of versions before this, as in the memory file");
        return build(as_before);
    }
    if (setup_.old_secret.empty()) return;
    const auto of_old = lib::KeyedHash::of_secret(setup_.old_secret);
    if (!is_it(of_old)) return;
    parts_.log.info("keys hash by the old secret, as in the memory file");
    build(of_old);
}

void Node::start() {
    maintenance_->start();
    replicator_->start(*store_);
}

void Node::drain() {
    replicator_->drain();
    if (memory_file_) save_items();
}

// The file may take its time; the service manager is asked for it.
void Node::save_items() {
    using std::chrono::microseconds;
    notify_service_manager(
        fmt::format("EXTEND_TIMEOUT_USEC={}",
                    microseconds(parts_.options.get<MemoryFileOptions>().timeout).count()));
    stop();
    memory_file_->save({*store_, *replicator_}, parts_.clock.reading(), parts_.clock.now());
}

void Node::stop() noexcept {
    replicator_->stop();
    if (maintenance_) maintenance_->stop();
}

}  // namespace twincached::app

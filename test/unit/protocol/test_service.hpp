// A server without sockets for tests, fuzzers and benchmarks: a real store, one thread's counters,
// and a client that talks to a conversation as a session would.
#pragma once

#include "protocol/conversation.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::protocol::test {

class TestService final : public Service {
  public:
    explicit TestService(const storage::StoreOptions& options = small_store())
        : store_(options, lib::KeyedHash("test"), sink_) {}

    static storage::StoreOptions small_store() {
        auto options = storage::default_store_options();
        options.memory_limit_bytes = 64 << 20;
        options.shards = 1;
        return options;
    }

    storage::Store& store() noexcept override { return store_; }
    const Settings& settings() const noexcept override { return settings_; }
    std::string_view version() const noexcept override { return "1.6.45"; }
    std::uint64_t total(Count name) const noexcept override {
        return counters.totals.get(name) - base_.totals.get(name);
    }
    std::uint64_t total(unsigned size_class, ClassCount name) const noexcept override {
        return counters.classes[size_class].get(name) - base_.classes[size_class].get(name);
    }
    void reset_counters() noexcept override {
        for (unsigned i = 0; i < static_cast<unsigned>(Count::count_); ++i) {
            base_.totals.add(static_cast<Count>(i), total(static_cast<Count>(i)));
        }
    }
    void process_stats(StatVisitor visit) const override {
        visit("pid", "42");
        visit("uptime", "7");
        visit("rusage_user", "0.250000");
        visit("idle_kicks", "3");
    }
    void settings_stats(StatVisitor visit) const override { visit("maxbytes", "67108864"); }
    // Two parts, as of a server that has many clients.
    std::uint64_t connection_stats(std::uint64_t from, StatVisitor visit) const override {
        visit(from == 0 ? "27:state" : "28:state", "conn_read");
        return from == 0 ? 27 : 0;
    }
    void replication_stats(StatVisitor visit) const override {
        visit("repl_state", "alone");
        visit("repl_peer", "");
        visit("repl_last_event", "two words");
        for (unsigned i = 0; i < more_replication_stats; ++i)
            visit("repl_number_" + std::to_string(i), "18446744073709551615");
        if (more_replication_stats > 0) visit("replication", "MASTER");
    }
    void set_verbosity(unsigned level) noexcept override { verbosity = level; }
    void request_shutdown(bool graceful) noexcept override {
        stopped = true;
        stopped_gracefully = graceful;
    }

    void change_clock(const ClockChange& change) noexcept override {
        clock_changes.push_back(change);
    }

    Settings& settings_to_change() noexcept { return settings_; }

    ThreadCounters counters;
    unsigned verbosity = 0;
    unsigned more_replication_stats = 0;
    bool stopped = false;
    bool stopped_gracefully = false;
    std::vector<ClockChange> clock_changes;

  private:
    storage::NoReplication sink_;
    storage::Store store_;
    Settings settings_ = default_settings();
    ThreadCounters base_;
};

inline storage::Now some_time() {
    storage::Now now;
    now.steady_ms = 1'000'000;
    now.version_ms = 50'000'000'000;
    now.unix_seconds = 1'795'358'000;
    return now;
}

// One client. `say` sends bytes, in pieces if asked, and returns all that the server answered.
class Client {
  public:
    explicit Client(TestService& service, storage::Now at = some_time(),
                    const ClientOrigin& origin = {})
        : now(at), conversation_(service, service.counters, origin) {}

    std::string say(std::string_view bytes, std::size_t piece = SIZE_MAX) {
        std::string answers;
        while (!bytes.empty() && !closed) {
            const auto count = feed(bytes.substr(0, std::min(piece, bytes.size())));
            bytes.remove_prefix(count);
            answers += hear();
        }
        return answers;
    }

    // Lets the conversation run until it wants to read, as a session does.
    std::string hear() {
        std::string answers;
        while (!closed) {
            const auto next = conversation_.advance(input_, output_, now);
            last_steps.push_back(next);
            answers += drain();
            if (next == Next::close) closed = true;
            if (next == Next::read_more || next == Next::await_login) break;
            if (next == Next::await_decision) break;
        }
        return answers;
    }

    Conversation& conversation() noexcept { return conversation_; }
    lib::ByteBuffer& input() noexcept { return input_; }
    Output& output() noexcept { return output_; }

    storage::Now now;
    bool closed = false;
    std::vector<Next> last_steps;

  private:
    std::size_t feed(std::string_view bytes) {
        const auto target = conversation_.value_target();
        if (target.empty()) {
            input_.append(bytes);
            return bytes.size();
        }
        const auto count = std::min(target.size(), bytes.size());
        std::copy_n(bytes.begin(), count, target.begin());
        conversation_.value_received(count);
        return count;
    }

    std::string drain() {
        std::string answers;
        while (!output_.empty()) {
            std::string_view segments[4];
            const auto used = output_.gather(segments);
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < used; ++i) {
                answers += segments[i];
                bytes += segments[i].size();
            }
            output_.consume(bytes);
        }
        return answers;
    }

    lib::ByteBuffer input_;
    Output output_;
    Conversation conversation_;
};

// Of an answer whose order nobody promises.
inline std::multiset<std::string> lines_of(std::string_view answer) {
    std::multiset<std::string> lines;
    for (auto end = answer.find("\r\n"); end != std::string_view::npos; end = answer.find("\r\n")) {
        lines.emplace(answer.substr(0, end));
        answer.remove_prefix(end + 2);
    }
    return lines;
}

}  // namespace twincached::protocol::test

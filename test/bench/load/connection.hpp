// One connection of the load generator: it builds requests into one buffer, sends them with one
// write, and takes the answers apart. Non-blocking; the runner's thread owns it and tells it when
// its channel can be read or written.
#pragma once

#include "test/bench/load/channel.hpp"
#include "test/bench/load/dialect.hpp"
#include "test/bench/load/options.hpp"
#include "test/bench/load/tally.hpp"
#include "test/bench/load/workload.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::load {

// What all connections of a run have in common; what it refers to must outlive them.
struct Setting {
    const Options& options;
    const Dialect& dialect;
    const Content& content;
    std::shared_ptr<const lib::TlsContext> tls;
};

class Connection {
  public:
    explicit Connection(const Setting& setting);

    // Ends what there is, of which nothing may be pending. The descriptor is another one then.
    void connect_again();

    int descriptor() const { return channel_->descriptor(); }
    // What comes before the first request is over: a handshake.
    bool is_open() const { return channel_->is_open(); }
    bool is_waiting() const { return !pending_.empty(); }
    std::size_t waiting() const { return pending_.size(); }
    bool has_output() const { return sent_ < output_.size() || channel_->has_unsent(); }
    // It is for room in the socket that the output waits, not for the end of a handshake.
    bool waits_for_room() const {
        return has_output() && (channel_->is_open() || channel_->has_unsent());
    }

    // `due_ns` is when the request should have been sent: its latency counts from there.
    void add_get(KeyStream& keys, std::uint64_t due_ns);
    void add_set(std::uint32_t key, std::uint64_t due_ns);

    // Sends what was added, as far as the channel takes it.
    void flush();
    // Reads what there is. Gives up when the server has closed.
    void read(Tally& tally, std::uint64_t now_ns);

  private:
    struct Request {
        std::uint64_t due_ns;
        std::uint32_t keys;
        bool is_get;
    };

    void parse(Tally& tally, std::string_view bytes, std::uint64_t now_ns);
    void take_line(Tally& tally, std::string_view line, std::uint64_t now_ns);
    std::size_t take_value(Tally& tally, std::string_view bytes, std::uint64_t now_ns);
    void begin_value(Tally& tally, const Answer& answer);
    std::uint32_t key_of(const Answer& answer) const;
    void take_one_of_a_get(Tally& tally, std::uint64_t now_ns);
    void finish(Tally& tally, std::uint64_t now_ns);

    const Options& options_;
    const Dialect& dialect_;
    const Content& content_;
    std::shared_ptr<const lib::TlsContext> tls_;
    std::unique_ptr<Channel> channel_;
    std::string output_;
    std::size_t sent_ = 0;
    std::deque<Request> pending_;       // sent and not yet answered, oldest first
    std::uint32_t hits_ = 0;            // values seen of the oldest request
    std::uint32_t answers_ = 0;         // and of all keys that were answered
    std::deque<std::uint32_t> asked_;   // with --verify: the keys of pending gets, oldest first
    std::vector<std::uint32_t> drawn_;  // keys of the get that is being added
    std::string line_;                  // an answer's line that has come in part
    std::uint64_t value_left_ = 0;      // bytes of a value and its line end still to come
    std::string_view expected_;         // with --verify: what is still to come of that value
    bool is_value_bad_ = false;
};

}  // namespace twincached::load

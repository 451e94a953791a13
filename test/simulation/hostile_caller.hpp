// Somebody who calls a node of a SimNet, as a peer would, and means ill. What he knows decides how
// far he gets: nothing, the cluster's name, or the secret; then he is the peer, and gone bad. What
// he says are frames with valid checksums: versions of all kinds, counts of all sizes, frames
// twice, out of order, changed anywhere, of types that are none. Owned by whoever lets him call.
#pragma once

#include "lib/random.hpp"
#include "replication/records/frame.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace twincached::simulation {

class HostileCaller {
  public:
    enum class Knows : std::uint8_t { nothing, name, secret };

    // `keys`: what the node's clients use. All of them outlive it.
    HostileCaller(replication::pair::SimNet& net, unsigned node, Knows knows,
                  const std::vector<std::string>& keys, lib::Random& random)
        : net_(net), node_(node), knows_(knows), keys_(keys), random_(random) {}

    // Calls, and says what he can say to be let in. Time passes if he is.
    void call();
    // He is the node's peer now.
    bool has_session();
    // So many frames, or fewer if the node hangs up.
    void speak(unsigned frames);
    void hang_up();

  private:
    bool is_heard() { return net_.is_open(id_, node_); }
    void say(std::string bytes) { net_.say(id_, node_, std::move(bytes)); }
    void prove();
    void say_hello();
    // What the node has said in its first frame of that type; nothing if there is none.
    std::string heard(replication::FrameType type);

    std::string forged();
    std::string changed(std::string frame);
    void write_any(lib::ByteBuffer& out);
    void write_batch(lib::ByteBuffer& out);
    void write_list(lib::ByteBuffer& out);
    void write_digests(lib::ByteBuffer& out);
    void write_segment(lib::ByteBuffer& out);
    std::uint64_t any_number();
    storage::Version any_version();
    std::uint64_t any_hash();
    std::string any_bytes(std::size_t most);
    const std::string& any_key() { return keys_[random_.below(keys_.size())]; }

    replication::pair::SimNet& net_;
    const unsigned node_;
    const Knows knows_;
    const std::vector<std::string>& keys_;
    lib::Random& random_;
    replication::pair::ConnectionId id_ = 0;
    std::string challenge_;   // his own, as it went over the wire
    std::uint64_t said_ = 0;  // numbered frames
    std::string last_;        // frame
    std::uint64_t values_ = 0;
};

}  // namespace twincached::simulation

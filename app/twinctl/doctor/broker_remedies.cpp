#include "app/twinctl/doctor/broker_remedies.hpp"

namespace twincached::app {
namespace {

struct Remedy {
    std::string_view reason;  // a part of what is said
    std::string_view advice;
};

constexpr std::string_view room =
    "the NATS server has no room for it: max_file_store of its file must be at least max-bytes, "
    "and its disk larger; or lower max-bytes before the stream is made";
constexpr std::string_view full =
    "let the stream discard what is old (discard = old) and raise its max_bytes; if the NATS "
    "server's store is full, raise max_file_store, or remove what else is kept there";

// The first that fits.
constexpr Remedy remedies[] = {
    {"another node is node", "give one of the two another node of [replication], and restart it"},
    {"another secret",
     "give all nodes of the cluster one secret-file, or another cluster a name of its own "
     "(cluster), and restart them"},
    {"that site is not heard",
     "mend the way between the sites, or start the NATS servers and the nodes there"},
    {"max_payload", "raise max_payload in the NATS server's file, and reload it"},
    {"max_msg_size", "edit the stream: max_msg_size must be 8 KiB or more, or -1"},
    {"maximum bytes exceeded", full},
    {"maximum messages exceeded", full},
    {"insufficient", room},
    {"resource limits", room},
    {"no suitable peers", "start as many NATS servers as replicas says, or set replicas lower"},
    {"JetStream not enabled", "write jetstream { store_dir: ... } into the NATS server's file"},
    {"its domain is not called",
     "is domain of [replication] the one that stands behind jetstream { domain: in the NATS "
     "servers' files? If it is: do most of those servers run?"},
    {"JetStream is not there",
     "has each NATS server jetstream { } in its file, do most of them run, and does the stream "
     "take the subjects mc.<cluster>.*?"},
    {"temporarily unavailable",
     "do most of the NATS servers run, and reach each other? Fewer than half of them lead no "
     "stream"},
    {"does not answer",
     "do most of the NATS servers run, and reach each other? If so, look at the one that it is "
     "connected to: if the disk below its store_dir is full, make room and restart it"},
};

}  // namespace

std::string_view broker_remedy(std::string_view refusal) noexcept {
    for (const auto& remedy : remedies)
        if (refusal.find(remedy.reason) != std::string_view::npos) return remedy.advice;
    return {};
}

}  // namespace twincached::app

// What the conversations of a server share beside its store: each part is a class of its own with
// a lock of its own, here they are only gathered. Owned by the Service; any thread.
#pragma once

#include "protocol/execution/reported_settings.hpp"
#include "protocol/login/credentials.hpp"
#include "protocol/login/sasl_judge.hpp"
#include "protocol/observation/observation.hpp"
#include "storage/arbiter.hpp"
#include "storage/size_classes.hpp"
#include "storage/store_options.hpp"

#include <atomic>

namespace twincached::protocol {

struct SharedState {
    // Changes are refused: another node may be accepting them out of sight (on-split).
    std::atomic<bool> read_only{false};
    Observation observation;
    Credentials login_credentials;  // of the text protocol (-Y)
    Credentials sasl_credentials;   // of the binary protocol (-S)
    // In their place, if it is not null. Set before the first conversation, and outlives them.
    SaslJudge* sasl_judge = nullptr;
    // Who may decide in the store's place; null: nobody. As the judge.
    storage::Arbiter* arbiter = nullptr;
    ReportedSettings reported;
    // For reports. Whoever starts the server with -f or -n replaces it before the first
    // conversation; after that it does not change.
    storage::SizeClasses size_classes{storage::default_store_options().growth_factor,
                                      storage::default_store_options().chunk_size_min};
};

}  // namespace twincached::protocol

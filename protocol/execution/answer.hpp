// Every fixed answer that a text client can get, by name. Parsers and executors speak of these
// names; only the answer writer knows the words that stand for them on the wire.
#pragma once

#include <cstdint>

namespace twincached::protocol {

enum class Answer : std::uint8_t {
    none,  // nothing to say: the line was understood, or the verb answers for itself
    // What the protocol promises.
    ok,
    stored,
    not_stored,
    exists,
    not_found,
    deleted,
    touched,
    end,
    reset,
    // The client is wrong.
    error,
    bad_line,
    bad_exptime,
    bad_delta,
    bad_chunk,
    non_numeric,
    bad_stats_line,
    bad_detail,
    bad_hot_keys,
    bad_class,
    dump_denied,
    metadump_denied,
    mgdump_denied,
    flush_denied,
    bad_shutdown,
    bad_automove_window,
    bad_crawler_sleep,
    pipelined_metadump,
    pipelined_mgdump,
    pipelined_watch,
    watch_denied,
    too_many_watchers,
    unauthenticated,
    login_malformed,
    login_refused,
    login_bad_end,
    login_too_long,
    // The server cannot.
    too_large,
    no_memory,
    no_memory_for_number,
    no_memory_for_answer,
    replication_unavailable,
    outcome_unknown,
    not_asked,
    read_only,
    shutdown_disabled,
    no_tls,
    memory_limit_too_small,
    memory_limit_in_bytes,
    // What administrative verbs say.
    crawler_runs,
    crawler_disabled,
    reassign_disabled,
    class_invalid,
    slab_class_invalid,
    slab_class_same,
    slab_no_spare,
    lru_tune_too_high,
    lru_tune_too_low,
    // Meta commands.
    meta_bad_token,
    meta_bad_delta,
    meta_bad_initial,
    meta_bad_key,
    meta_duplicate,
    meta_invalid,
    meta_invalid_or_duplicate,
    meta_opaque_too_long,
    meta_bad_set_mode,
    meta_bad_arithmetic_mode,
    meta_no_op,
    meta_end,
    // Not an answer: the connection is closed without a word.
    hang_up,
    count_
};

}  // namespace twincached::protocol

// The names of what is counted while clients are served.
#pragma once

#include <cstdint>

namespace twincached::protocol {

// Raised by the thread that serves the connection; summed by whoever reports.
enum class Count : std::uint8_t {
    cmd_get,
    cmd_set,
    cmd_flush,
    cmd_touch,
    cmd_meta,
    get_hits,
    get_misses,
    get_expired,
    get_flushed,
    delete_hits,
    delete_misses,
    incr_hits,
    incr_misses,
    decr_hits,
    decr_misses,
    cas_hits,
    cas_misses,
    cas_badval,
    touch_hits,
    touch_misses,
    store_too_large,
    store_no_memory,
    auth_cmds,
    auth_errors,
    bytes_read,
    bytes_written,
    conn_yields,
    idle_kicks,
    request_timeouts,  // requests that were not complete in time
    write_timeouts,    // clients that did not read their answers
    response_obj_oom,  // answers, and
    read_buf_oom,      // requests, that there was no memory left to hold
    malloc_fails,      // the system had no memory for a client
    tls_sessions,      // handshakes that were not resumptions
    tls_handshake_errors,
    tls_protocol_errors,
    udp_requests,
    udp_dropped,  // requests and answers
    count_
};
// Per size class, for `stats slabs`.
enum class ClassCount : std::uint8_t {
    get_hits,
    cmd_set,
    delete_hits,
    incr_hits,
    decr_hits,
    cas_hits,
    cas_badval,
    touch_hits,
    count_
};

}  // namespace twincached::protocol

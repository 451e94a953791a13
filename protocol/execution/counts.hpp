// What is counted while clients are served, and what is to be known of each of these figures. A new
// count is an enumerator and a row here, and the line that raises it.
#pragma once

#include "lib/counters.hpp"
#include "lib/figure_row.hpp"

#include <cstddef>
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
    auth_kicks,     // clients closed because their logins failed again and again
    auth_timeouts,  // clients closed because their login was not judged in time
    bytes_read,
    bytes_written,
    conn_yields,
    idle_kicks,
    request_timeouts,  // requests that were not complete in time
    stale_kicks,       // clients whose requests waited while the process stood still
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

// For reports: the counts of all threads together.
using CountTally = lib::Tally<Count>;
using ClassCountTally = lib::Tally<ClassCount>;

// What every server tells. The rest is counted by what not every server has, and told by the
// process, with rows of its own: idle_kicks, the timeouts and what concerns TLS.
inline constexpr lib::FigureRow<CountTally> count_rows[] = {
    {lib::counter("cmd_get", "keys that clients asked for"), lib::counted<Count::cmd_get>},
    {lib::counter("cmd_set", "values that clients stored, or tried to"),
     lib::counted<Count::cmd_set>},
    {lib::counter("cmd_flush", "`flush_all`"), lib::counted<Count::cmd_flush>},
    {lib::counter("cmd_touch", "keys that clients touched, or fetched with a new expiry"),
     lib::counted<Count::cmd_touch>},
    {lib::counter("cmd_meta", "commands of the meta dialect"), lib::counted<Count::cmd_meta>},
    {lib::counter("get_hits", "keys that were found"), lib::counted<Count::get_hits>},
    {lib::counter("get_misses", "keys that were not"), lib::counted<Count::get_misses>},
    {lib::counter("get_expired", "of those, the ones whose item had expired"),
     lib::counted<Count::get_expired>},
    {lib::counter("get_flushed", "of those, the ones whose item had been flushed"),
     lib::counted<Count::get_flushed>},
    {lib::counter("delete_hits", "items deleted"), lib::counted<Count::delete_hits>},
    {lib::counter("delete_misses",
                  "deletes that found no item, in meta also not the one that `C` names"),
     lib::counted<Count::delete_misses>},
    {lib::counter("incr_hits", "numbers raised"), lib::counted<Count::incr_hits>},
    {lib::counter("incr_misses", "increments that found no item"),
     lib::counted<Count::incr_misses>},
    {lib::counter("decr_hits", "numbers lowered"), lib::counted<Count::decr_hits>},
    {lib::counter("decr_misses", "decrements that found no item"),
     lib::counted<Count::decr_misses>},
    {lib::counter("cas_hits", "values stored because their item had not changed"),
     lib::counted<Count::cas_hits>},
    {lib::counter("cas_misses", "the same, of keys that were not there"),
     lib::counted<Count::cas_misses>},
    {lib::counter("cas_badval", "the same, of items that had changed"),
     lib::counted<Count::cas_badval>},
    {lib::counter("touch_hits", "touches that found their item"), lib::counted<Count::touch_hits>},
    {lib::counter("touch_misses", "touches that did not"), lib::counted<Count::touch_misses>},
    {lib::counter("store_too_large", "values refused because they were larger than an item may be"),
     lib::counted<Count::store_too_large>},
    {lib::counter("store_no_memory", "values refused because there was no memory"),
     lib::counted<Count::store_no_memory>},
    {lib::counter("auth_cmds", "logins that clients tried"), lib::counted<Count::auth_cmds>},
    {lib::counter("auth_errors", "logins that failed"), lib::counted<Count::auth_errors>},
    {lib::counter("bytes_read", lib::Unit::bytes, "received from clients"),
     lib::counted<Count::bytes_read>},
    {lib::counter("bytes_written", lib::Unit::bytes, "sent to clients"),
     lib::counted<Count::bytes_written>},
    {lib::counter("conn_yields", "times that a client had to let others go first (`-R`)"),
     lib::counted<Count::conn_yields>},
    {lib::counter(
         "response_obj_oom",
         "clients closed because there was no memory left to hold their answers (`buffer-memory`)"),
     lib::counted<Count::response_obj_oom>},
    {lib::counter(
         "read_buf_oom",
         "clients closed, or gets refused, because there was none left to hold their requests"),
     lib::counted<Count::read_buf_oom>},
    {lib::counter("malloc_fails", "clients closed because the system had no memory for them"),
     lib::counted<Count::malloc_fails>},
    {lib::counter("udp_requests", "datagrams that were requests"),
     lib::counted<Count::udp_requests>},
    {lib::counter(
         "udp_dropped",
         "datagrams dropped: requests that were not answered, and answers that could not be sent"),
     lib::counted<Count::udp_dropped>},
};
inline constexpr std::size_t counts_told_by_process = 9;
static_assert(lib::without_row<Count>(count_rows) == counts_told_by_process);

// In the order of `stats slabs`.
inline constexpr lib::FigureRow<ClassCountTally> class_count_rows[] = {
    {lib::counter("get_hits", "gets that found an item of the class"),
     lib::counted<ClassCount::get_hits>},
    {lib::counter("cmd_set", "values stored of the class"), lib::counted<ClassCount::cmd_set>},
    {lib::counter("delete_hits", "items of the class deleted"),
     lib::counted<ClassCount::delete_hits>},
    {lib::counter("incr_hits", "numbers of the class raised"), lib::counted<ClassCount::incr_hits>},
    {lib::counter("decr_hits", "numbers of the class lowered"),
     lib::counted<ClassCount::decr_hits>},
    {lib::counter("cas_hits", "values stored because their item had not changed"),
     lib::counted<ClassCount::cas_hits>},
    {lib::counter("cas_badval", "values refused because it had"),
     lib::counted<ClassCount::cas_badval>},
    {lib::counter("touch_hits", "touches that found an item of the class"),
     lib::counted<ClassCount::touch_hits>},
};
static_assert(lib::without_row<ClassCount>(class_count_rows) == 0);

}  // namespace twincached::protocol

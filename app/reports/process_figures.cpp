#include "app/reports/process_figures.hpp"

#include "app/process/privileges.hpp"
#include "app/process/tls_options.hpp"
#include "app/sessions/session_buffers.hpp"
#include "app/sessions/session_options.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <string>

namespace twincached::app {
namespace {

using protocol::Count;

std::string seconds_text(const timeval& time) {
    return fmt::format("{}.{:06}", time.tv_sec, time.tv_usec);
}

std::uint64_t shared_bytes(const ProcessFacts& facts) noexcept {
    return facts.held.threads * SessionBuffers::read_size;
}

bool has_idle_timeout(const ProcessFacts& facts) noexcept {
    return facts.options.get<SessionOptions>().idle_timeout.count() > 0;
}

bool has_tls(const ProcessFacts& facts) noexcept {
    return facts.tls != nullptr;
}

bool has_session_cache(const ProcessFacts& facts) noexcept {
    return has_tls(facts) && facts.options.get<TlsOptions>().session_cache;
}

constexpr lib::FigureRow<ProcessFacts> rows[] = {
    {lib::gauge("pid", "number of the process"),
     [](const ProcessFacts&) { return lib::figure_text(::getpid()); }},
    {lib::gauge("uptime", lib::Unit::seconds, "since the server has been ready for clients"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.now.tick() - facts.started); }},
    {lib::counter("rusage_user", lib::Unit::seconds, "processor time spent in the program"),
     [](const ProcessFacts& facts) { return seconds_text(facts.usage.ru_utime); }},
    {lib::counter("rusage_system", lib::Unit::seconds, "processor time spent in the kernel for it"),
     [](const ProcessFacts& facts) { return seconds_text(facts.usage.ru_stime); }},
    {lib::gauge("max_connections", "clients that may be connected (`-c`)"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.limit.most()); }},
    {lib::gauge("curr_connections", "clients that are"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.limit.current()); }},
    {lib::counter("total_connections", "clients that were accepted"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.limit.accepted()); }},
    {lib::counter("rejected_connections", "clients turned away because all places were taken"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.limit.rejected()); }},
    {lib::gauge("connection_structures", "the same as `curr_connections`"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.limit.current()); }},
    {lib::gauge("threads", "threads that serve clients (`-t`)"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.options.get<SessionOptions>().threads);
     }},
    {lib::gauge("accepting_conns", "1 while clients are accepted"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.acceptor.is_accepting()); }},
    {lib::counter("listen_disabled_num",
                  "times that accepting paused, for want of places or descriptors"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.acceptor.times_disabled()); }},
    {lib::counter("time_in_listen_disabled_us", lib::Unit::microseconds,
                  "how long that took together"),
     [](const ProcessFacts& facts) { return lib::figure_text(facts.acceptor.disabled_us()); }},
    {lib::gauge("reserved_fds", "descriptors beside those of clients"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(reserved_descriptors(facts.options.get<SessionOptions>().threads));
     }},
    {lib::gauge("response_obj_count", "clients whose answers are half sent"),
     lib::member<&ProcessFacts::held, &HeldBuffers::answers>},
    {lib::gauge("response_obj_bytes", lib::Unit::bytes, "the memory that holds these"),
     lib::member<&ProcessFacts::held, &HeldBuffers::answer_bytes>},
    {lib::gauge("read_buf_count",
                "buffers of half-received requests, and one that the clients of each thread share"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.held.requests + facts.held.threads);
     }},
    {lib::gauge("read_buf_bytes", lib::Unit::bytes, "what these take"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.held.request_bytes + shared_bytes(facts));
     }},
    {lib::gauge("read_buf_bytes_free", lib::Unit::bytes, "what the shared ones take"),
     [](const ProcessFacts& facts) { return lib::figure_text(shared_bytes(facts)); }},
    {lib::counter(
         "idle_kicks",
         "clients closed because they were silent for too long; told with `idle-timeout` alone"),
     lib::counted<Count::idle_kicks>, has_idle_timeout},
    {lib::counter("rejected_per_address",
                  "clients turned away because their address had its share of places"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.limit.addresses().rejected());
     }},
    {lib::counter("request_timeouts", "clients closed because a request was not complete in time"),
     lib::counted<Count::request_timeouts>},
    {lib::counter("auth_kicks", "clients closed because their logins failed five times in a row"),
     lib::counted<Count::auth_kicks>},
    {lib::counter("auth_timeouts", "clients closed because their login was not judged in time"),
     lib::counted<Count::auth_timeouts>},
    {lib::counter("stale_kicks",
                  "clients closed because this node stood still for so long, while their requests "
                  "waited, that its peer may have taken over"),
     lib::counted<Count::stale_kicks>},
    {lib::counter("write_timeouts", "clients closed because they did not read their answers"),
     lib::counted<Count::write_timeouts>},
    {lib::counter("proxied_connections", "connections of proxies that named their client"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.acceptor.reception().introduced());
     }},
    {lib::counter("proxy_header_errors", "connections of proxies that did not"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.acceptor.reception().failed());
     }},
    {lib::counter("ssl_new_sessions",
                  "handshakes that resumed no session; told with `ssl_session_cache` alone"),
     lib::counted<Count::tls_sessions>, has_session_cache},
    {lib::counter("ssl_handshake_errors",
                  "handshakes that failed; told with TLS alone, as what follows"),
     lib::counted<Count::tls_handshake_errors>, has_tls},
    {lib::counter("ssl_proto_errors",
                  "clients closed because what they sent afterwards was not TLS"),
     lib::counted<Count::tls_protocol_errors>, has_tls},
    {lib::gauge("time_since_server_cert_refresh", lib::Unit::seconds,
                "since certificates were read"),
     [](const ProcessFacts& facts) {
         return lib::figure_text(facts.now.tick() -
                                 std::min(facts.now.tick(), facts.tls->refreshed_at()));
     },
     has_tls},
};
static_assert(lib::without_row<Count>(rows) ==
                  lib::Tally<Count>::size - protocol::counts_told_by_process,
              "these, and those of count_rows, are all");

}  // namespace

HeldBuffers::HeldBuffers(const IoPool& pool) {
    pool.visit_counters([&](const protocol::ThreadCounters& counters) {
        requests += counters.memory.requests();
        request_bytes += counters.memory.request_bytes();
        answers += counters.memory.answers();
        answer_bytes += counters.memory.answer_bytes_held();
        ++threads;
    });
}

std::span<const lib::FigureRow<ProcessFacts>> process_rows() noexcept {
    return rows;
}

}  // namespace twincached::app

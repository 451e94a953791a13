#include "app/reports/settings_report.hpp"

#include "app/process/certificates.hpp"
#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <string>

namespace twincached::app {
namespace {

constexpr std::string_view yes_or_no(bool value) noexcept {
    return value ? "yes" : "no";
}

// Gives each group of settings its words.
class Report {
  public:
    Report(const Options& options, const SettingsState& state, protocol::StatVisitor visit)
        : options_(options), state_(state), visit_(visit) {}

    void run() const {
        network();
        limits();
        mechanisms();
        logs_and_buffers();
        external_storage();
        tls();
        last();
    }

  private:
    template <class Value>
    void say(std::string_view key, const Value& value) const {
        visit_(key, fmt::format("{}", value));
    }
    std::string_view said(std::string_view word) const {
        const auto found = options_.reported.find(word);
        return found == options_.reported.end() ? std::string_view() : found->second;
    }
    void word(std::string_view key) const { say(key, said(key)); }
    void text_or(std::string_view key, std::string_view value, std::string_view if_empty) const {
        say(key, value.empty() ? if_empty : value);
    }
    // Words that are written in KiB or MiB and reported in bytes.
    void scaled(std::string_view key, std::uint64_t unit) const {
        say(key, lib::parse_number<std::uint64_t>(said(key)).value_or(0) * unit);
    }

    void network() const {
        say("maxbytes", state_.memory_limit_bytes);
        say("maxconns", options_.connections);
        say("tcpport", state_.tcp_port);
        say("udpport", state_.udp_port != 0 ? state_.udp_port : options_.udp_port);
        say("inter", options_.listen.empty() ? std::string("NULL")
                                             : fmt::format("{}", fmt::join(options_.listen, ",")));
        say("verbosity", state_.verbosity);
        say("oldest", state_.oldest_tick);
        say("evictions", options_.evictions ? "on" : "off");
        say("domain_socket", options_.unix_socket.empty() ? "NULL" : options_.unix_socket);
        say("umask", options_.unix_mask);
        say("shutdown_command", yes_or_no(options_.shutdown));
        say("growth_factor", fmt::format("{:.2f}", options_.growth_factor));
        say("chunk_size", options_.chunk_size);
        say("num_threads", options_.threads);
        say("num_threads_per_udp", options_.threads);
        const auto delimiter = said("prefix-delimiter");
        say("stat_key_prefix", delimiter.empty() ? std::string_view(":") : delimiter.substr(0, 1));
        say("detail_enabled", yes_or_no(state_.detail_enabled));
    }

    void limits() const {
        say("reqs_per_event", options_.requests_per_event);
        say("cas_enabled", yes_or_no(options_.cas));
        say("tcp_backlog", options_.backlog);
        say("binding_protocol",
            options_.protocol == "auto" ? std::string("auto-negotiate") : options_.protocol);
        say("auth_enabled_sasl", yes_or_no(options_.sasl));
        say("auth_enabled_ascii", options_.auth_file.empty() ? "no" : options_.auth_file);
        say("item_size_max", options_.item_size_limit_bytes);
        say("maxconns_fast", yes_or_no(options_.reject_fast));
        say("hashpower_init", said("hashpower"));
    }

    void mechanisms() const {
        word("slab_reassign");
        word("slab_automove");
        word("slab_automove_ratio");
        word("slab_automove_window");
        scaled("slab_chunk_max", 1024);
        word("lru_crawler");
        word("lru_crawler_sleep");
        word("lru_crawler_tocrawl");
        word("tail_repair_time");
        say("flush_enabled", yes_or_no(options_.flush_all));
        say("dump_enabled", yes_or_no(options_.dumps));
        word("hash_algorithm");
        say("lru_maintainer_thread", said("lru_maintainer"));
        say("lru_segmented", said("lru_maintainer"));
        word("hot_lru_pct");
        word("warm_lru_pct");
        word("hot_max_factor");
        word("warm_max_factor");
        say("temp_lru", "no");
        word("temporary_ttl");
    }

    void logs_and_buffers() const {
        say("idle_timeout",
            std::chrono::duration_cast<std::chrono::seconds>(options_.idle_timeout).count());
        scaled("watcher_logbuf_size", 1024);
        scaled("worker_logbuf_size", 1024);
        say("read_buf_mem_limit", options_.buffer_memory_bytes);
        word("track_sizes");
        say("inline_ascii_response", said("inline_ascii_resp"));
    }

    void external_storage() const {
        word("ext_item_size");
        word("ext_item_age");
        word("ext_low_ttl");
        word("ext_recache_rate");
        scaled("ext_wbuf_size", 1024 * 1024);
        word("ext_compact_under");
        word("ext_drop_under");
        word("ext_max_sleep");
        word("ext_max_frag");
        word("slab_automove_freeratio");
        word("ext_drop_unread");
    }

    void tls() const {
        say("ssl_enabled", yes_or_no(options_.tls));
        text_or("ssl_chain_cert", options_.tls_chain_cert, "(null)");
        text_or("ssl_key", options_.tls_key, "(null)");
        say("ssl_verify_mode", options_.tls_verify_mode);
        say("ssl_keyformat", options_.tls_key_format == "DER" ? 2 : 1);  // OpenSSL's numbers
        text_or("ssl_ciphers", options_.tls_ciphers, "NULL");
        text_or("ssl_ca_cert", options_.tls_ca_cert, "NULL");
        say("ssl_wbuf_size", options_.tls_write_buffer_bytes);
        say("ssl_session_cache", yes_or_no(options_.tls_session_cache));
        word("ssl_kernel_tls");
        say("ssl_min_version", name_of(tls_version(options_)));
    }

    void last() const {
        say("num_napi_ids", 0);
        say("memory_file", options_.memory_file.empty() ? "(null)" : options_.memory_file.c_str());
        say("client_flags_size", 4);
    }

    const Options& options_;
    const SettingsState& state_;
    protocol::StatVisitor visit_;
};

}  // namespace

void report_settings(const Options& options, const SettingsState& state,
                     protocol::StatVisitor visit) {
    Report(options, state, visit).run();
}

}  // namespace twincached::app

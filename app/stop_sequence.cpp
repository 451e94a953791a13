#include "app/stop_sequence.hpp"

#include "app/process/insist.hpp"
#include "app/process/service_notification.hpp"

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <system_error>

namespace twincached::app {
namespace {

// How often it is looked whether the last client has gone: sessions end on other threads.
constexpr std::chrono::milliseconds look_period{5};
// For the other node to hear the last changes; saving items asks for more by itself.
constexpr std::chrono::seconds patience_beyond_the_pause{30};

}  // namespace

StopSequence::StopSequence(const Parts& parts, std::chrono::milliseconds timeout)
    : parts_(parts), timeout_(timeout), timer_(parts.control) {}

StopSequence::~StopSequence() {
    if (node_drain_.joinable()) node_drain_.join();
}

// The service manager's patience is for what follows the pause.
void StopSequence::begin(std::string_view reason, std::chrono::milliseconds pause) {
    if (has_begun()) return;
    notify_service_manager("STOPPING=1");
    step_ = Step::pausing;
    if (pause <= std::chrono::milliseconds(0)) {
        parts_.log.info("stopping on {}: {} clients are connected", reason, parts_.limit.current());
        return close_ports();
    }
    parts_.log.info(
        "stopping on {}: not ready from now on, and closed in {} ms (drain-pause); {} "
        "clients are connected",
        reason, pause.count(), parts_.limit.current());
    const auto patience = std::chrono::microseconds(pause + timeout_) + patience_beyond_the_pause;
    notify_service_manager(fmt::format("EXTEND_TIMEOUT_USEC={}", patience.count()));
    timer_.expires_after(pause);
    const auto go_on = [this](const boost::system::error_code& error) {
        if (!error) close_ports();
    };
    insist([&] { timer_.async_wait(go_on); });
}

void StopSequence::close_ports() {
    step_ = Step::draining_clients;
    deadline_ = std::chrono::steady_clock::now() + timeout_;
    parts_.ports.close();
    parts_.pool.drain();
    await_last_client();
}

void StopSequence::await_last_client() {
    if (parts_.limit.current() == 0) return drain_node();
    if (std::chrono::steady_clock::now() >= deadline_) {
        parts_.log.warning("{} clients were still in the middle of a request after {} ms: closed",
                           parts_.limit.current(), timeout_.count());
        return drain_node();
    }
    timer_.expires_after(look_period);
    const auto look = [this](const boost::system::error_code& error) {
        if (!error) await_last_client();
    };
    insist([&] { timer_.async_wait(look); });
}

void StopSequence::drain_node() {
    step_ = Step::draining_node;
    parts_.pool.stop();
    try {
        node_drain_ = std::thread([this] {
            parts_.node.drain();
            insist([this] { boost::asio::post(parts_.control, [this] { end(); }); });
        });
    } catch (const std::system_error&) {
        // No thread is to be had any more, and clients are gone: what else there is to do waits.
        parts_.node.drain();
        end();
    }
}

void StopSequence::end() {
    step_ = Step::ended;
    if (node_drain_.joinable()) node_drain_.join();
    parts_.node.stop();
    parts_.control.stop();
}

}  // namespace twincached::app

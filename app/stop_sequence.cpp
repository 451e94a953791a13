#include "app/stop_sequence.hpp"

#include "app/process/insist.hpp"
#include "app/process/service_notification.hpp"

#include <boost/asio/post.hpp>

namespace twincached::app {
namespace {

// How often it is looked whether the last client has gone: sessions end on other threads.
constexpr std::chrono::milliseconds look_period{5};

}  // namespace

StopSequence::StopSequence(const Parts& parts, std::chrono::milliseconds timeout)
    : parts_(parts), timeout_(timeout), timer_(parts.control) {}

StopSequence::~StopSequence() {
    if (node_drain_.joinable()) node_drain_.join();
}

void StopSequence::begin(std::string_view reason) {
    if (has_begun()) return;
    parts_.log.info("stopping on {}: {} clients are connected", reason, parts_.limit.current());
    notify_service_manager("STOPPING=1");
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
    node_drain_ = std::thread([this] {
        parts_.node.drain();
        insist([this] { boost::asio::post(parts_.control, [this] { end(); }); });
    });
}

void StopSequence::end() {
    step_ = Step::ended;
    node_drain_.join();
    parts_.node.stop();
    parts_.control.stop();
}

}  // namespace twincached::app

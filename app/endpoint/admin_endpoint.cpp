#include "app/endpoint/admin_endpoint.hpp"

#include "app/console/console_origin.hpp"
#include "app/endpoint/agent_line.hpp"
#include "app/endpoint/answers.hpp"
#include "app/endpoint/item_pages.hpp"
#include "app/endpoint/status_page.hpp"
#include "app/process/insist.hpp"
#include "app/process/scheduling.hpp"
#include "lib/allocation.hpp"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace twincached::app {
namespace {

namespace asio = boost::asio;

// Then those who have come are answered, before more come in.
constexpr int accepts_per_turn = 16;
// The process may have no descriptor left for a moment.
constexpr std::chrono::milliseconds exhausted_pause{100};
// An answer takes less; whoever waits for it is to get a core before those who work for long.
constexpr std::chrono::milliseconds slice{1};

}  // namespace

// A listening socket as Asio sees it. The descriptor stays the ListeningSocket's.
struct AdminEndpoint::Listener {
    Listener(asio::io_context& context, AdminListeners::Listener& bound)
        : descriptor(context, bound.socket.descriptor()),
          timer(context),
          kind(bound.kind),
          asks_who(bound.asks_who),
          speaks_tls(bound.speaks_tls()) {}
    ~Listener() { descriptor.release(); }

    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    const AdminListeners::Kind kind;
    const bool asks_who;
    const bool speaks_tls;
};

AdminEndpoint::AdminEndpoint(const EndpointOptions& options, const AdminAccess& access,
                             const NodeParts& node, Log& log)
    : access_(access),
      node_(node),
      actions_({node.service, node.replicator, node.phase, log}),
      log_(log),
      peer_console_(console_origin(options.peer_console).value_or(std::string())),
      service_({[this](const Request& request) { return answer_within_places(request); },
                [this](LiveFeed& feed, Trust trust) { return next_events(feed, trust); }}),
      bound_(options) {}

AdminEndpoint::~AdminEndpoint() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
}

void AdminEndpoint::start() {
    for (const auto& line : bound_.absent())
        log_.warning("{}", line);
    if (bound_.all().empty()) return;
    bound_.open();
    for (auto& bound : bound_.all()) {
        open_.push_back(std::make_unique<Listener>(context_, bound));
        watch(*open_.back());
    }
    thread_ = std::thread([this] { run(); });
}

void AdminEndpoint::run() {
    pthread_setname_np(pthread_self(), "admin");
    ask_for_short_slices(slice);
    // What finds no memory is not answered; whoever else asks is.
    while (!lib::has_memory_for([this] { context_.run(); })) {
    }
}

void AdminEndpoint::watch(Listener& listener) {
    insist([&] {
        listener.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                       [this, &listener](const boost::system::error_code& error) {
                                           if (!error) accept_all(listener);
                                       });
    });
}

void AdminEndpoint::accept_all(Listener& listener) {
    for (int accepted = 0; accepted < accepts_per_turn; ++accepted) {
        const int descriptor = ::accept4(listener.descriptor.native_handle(), nullptr, nullptr,
                                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            (void)lib::has_memory_for([&] { welcome(listener, descriptor); });
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) continue;
        const bool is_exhausted = errno != EAGAIN && errno != EWOULDBLOCK;
        return is_exhausted ? pause(listener) : watch(listener);
    }
    watch(listener);
}

void AdminEndpoint::pause(Listener& listener) {
    listener.timer.expires_after(exhausted_pause);
    insist([&] {
        listener.timer.async_wait([this, &listener](const boost::system::error_code& error) {
            if (!error) watch(listener);
        });
    });
}

void AdminEndpoint::welcome(Listener& listener, int descriptor) {
    const bool is_ours = is_of_this_user(descriptor);
    if ((listener.asks_who && !is_ours) || !make_place(is_ours)) {
        ::close(descriptor);
        return;
    }
    std::shared_ptr<AdminConnection> connection;
    bool is_taken = false;
    const bool has_memory = lib::has_memory_for([&] {
        connection = std::make_shared<AdminConnection>(context_);
        is_taken = connection->take(descriptor);
    });
    if (!has_memory || !is_taken) {
        ::close(descriptor);
        return;
    }
    connections_.push_back(connection);
    if (listener.kind == AdminListeners::Kind::agent) {
        connection->say(agent_line(standing_of(node_)));
    } else if (listener.speaks_tls) {
        connection->serve_by_tls(service_, access_);
    } else {
        connection->serve(service_, is_ours ? Trust::owner : Trust::stranger);
    }
}

// The oldest goes, but who is being answered is spared as long as somebody else is not, and the
// node's user as long as there are strangers. False: all places are his, and this is a stranger.
bool AdminEndpoint::make_place(bool for_owner) {
    connections_.remove_if([](const auto& weak) {
        const auto connection = weak.lock();
        return !connection || !connection->is_open();
    });
    if (connections_.size() < places) return true;
    const auto rank = [](const auto& weak) {
        const auto connection = weak.lock();
        return (connection->is_owners() ? 2 : 0) + (connection->is_waiting() ? 0 : 1);
    };
    const auto leaves = std::min_element(
        connections_.begin(), connections_.end(),
        [&](const auto& one, const auto& other) { return rank(one) < rank(other); });
    const auto connection = leaves->lock();
    if (connection->is_owners() && !for_owner) return false;
    connection->close();
    connections_.erase(leaves);
    return true;
}

Answer AdminEndpoint::answer_to(const Request& request) const {
    const auto standing = [this] { return standing_of(node_); };
    const auto figures = [this](lib::FigureVisitor visit) { visit_figures_of(node_, visit); };
    const auto act = [this](const Action& action) { return actions_.act(action); };
    const auto history = [this] { return history_of(node_); };
    const auto lines = [this](std::uint64_t number) {
        return json_of(node_.log.recent().after(number));
    };
    const auto digests = [this](storage::BucketNumber first, std::span<std::uint64_t> to) {
        return digests_of(node_, first, to);
    };
    const auto latencies = node_.service.latencies();
    const StoredItems items{node_.service.store(), node_.clock.now(), digests};
    return answer(request, {standing, figures, history, lines, act, &items, &latencies,
                            &node_.service.shared().observation.hot_keys, peer_console_});
}

Answer AdminEndpoint::answer_within_places(const Request& request) const {
    auto answered = answer_to(request);
    if (!answered.is_stream) return answered;
    // Strangers who look on leave as many places for the node's user.
    const bool is_owners = request.trust == Trust::owner;
    const auto streams =
        std::count_if(connections_.begin(), connections_.end(), [&](const auto& weak) {
            const auto connection = weak.lock();
            return connection && connection->is_open() && connection->is_stream() &&
                   connection->is_owners() == is_owners;
        });
    if (static_cast<std::size_t>(streams) < stream_places) return answered;
    answered.status = 503;
    answered.type = "text/plain; charset=utf-8";
    answered.body = "as many look on as may\n";
    answered.is_stream = false;
    return answered;
}

std::string AdminEndpoint::next_events(LiveFeed& feed, Trust trust) const {
    const auto body_of = [&](std::string_view target) {
        return answer_to({"GET", target, {}, {}, trust}).body;
    };
    return feed.next(
        {[&] { return standing_json(standing_of(node_)); }, [&] { return body_of("/status"); },
         [&] { return history_of(node_); },
         [&](std::uint64_t number) {
             const auto lines = node_.link_lines.after(number);
             return LiveFeed::Lines{json_of(lines), lines.empty() ? 0 : lines.back().number};
         }});
}

}  // namespace twincached::app

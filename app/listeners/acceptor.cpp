#include "app/listeners/acceptor.hpp"

#include "app/process/insist.hpp"
#include "app/process/system_clock.hpp"

#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::string_view too_many = "ERROR Too many open connections\r\n";
constexpr unsigned accepts_per_turn = 64;  // then signals and timers have their turn
constexpr milliseconds exhausted_pause{100};
constexpr milliseconds full_pause{1000};

std::vector<ListenerName> names_of(const std::vector<ListeningSocket>& sockets) {
    std::vector<ListenerName> names;
    names.reserve(sockets.size());
    for (const auto& socket : sockets)
        names.push_back({socket.descriptor(), socket.text()});
    return names;
}

// One descriptor that is kept for the moment in which there is no other: see reject_by_reserve().
int open_reserve() noexcept {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

// One listening socket as Asio sees it. The descriptor stays the ListeningSocket's.
struct Acceptor::Listener {
    Listener(asio::io_context& context, const ListeningSocket& socket)
        : descriptor(context, socket.descriptor()), tls(socket.tls()) {}
    ~Listener() { descriptor.release(); }

    // Without a descriptor if there is none; errno says why.
    NewClient accept() noexcept {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        NewClient client;
        client.descriptor =
            ::accept4(descriptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &length,
                      SOCK_NONBLOCK | SOCK_CLOEXEC);
        client.tls = tls;
        if (client.descriptor >= 0 && !leave_queue()) client.accepted_ms = SystemClock::boot_ms();
        client.address = ClientAddress::from(address);
        return client;
    }

    // This process has stood still: whoever is in the queue now may have been there meanwhile, and
    // have asked for something; whoever comes later was not.
    void note_pause(unsigned longest_queue) noexcept {
        overtaken = has_queue() ? longest_queue : 0;
    }
    bool has_queue() noexcept {
        pollfd queue{descriptor.native_handle(), POLLIN, 0};
        return ::poll(&queue, 1, 0) > 0;
    }
    // True: who left it may have stood there.
    bool leave_queue() noexcept {
        if (overtaken == 0) return false;
        overtaken = has_queue() ? overtaken - 1 : 0;
        return true;
    }

    asio::posix::stream_descriptor descriptor;
    const ListenerTls tls;
    bool is_watched = false;
    // At most so many of those who are first in the queue of the kernel.
    unsigned overtaken = 0;
};

Acceptor::Acceptor(const Parts& parts, const ListenerOptions& options,
                   std::vector<ListeningSocket> sockets, Deal deal)
    : context_(parts.control),
      sockets_(std::move(sockets)),
      names_(names_of(sockets_)),
      deal_(std::move(deal)),
      limit_(parts.limit),
      backlog_(options.backlog),
      reject_fast_(options.reject_fast),
      log_(parts.log),
      reception_(parts.control, *parse_networks(options.proxies), parts.limit,
                 [this](NewClient client, bool is_proxy) { admit(client, is_proxy); }),
      pause_timer_(parts.control),
      pauses_(static_cast<std::uint64_t>(parts.pause_limit.count())),
      pulse_(parts.control),
      reserve_(open_reserve()) {
    // The pause ends by itself, too.
    limit_.set_waker([this] {
        (void)lib::has_memory_for([this] { asio::post(context_, [this] { go_on(); }); });
    });
    if (pauses_.is_needed()) beat();
}

Acceptor::~Acceptor() {
    close();
    if (reserve_ >= 0) ::close(reserve_);
}

// All sockets first, then the watching: a client that comes at once finds every listener there.
void Acceptor::open() {
    for (auto& socket : sockets_) {
        socket.open(backlog_);
        open_.push_back(std::make_unique<Listener>(context_, socket));
        const auto tls = socket.tls() == ListenerTls::none     ? ""
                         : socket.tls() == ListenerTls::mutual ? " with mutual TLS"
                                                               : " with TLS";
        log_.info("serving clients on {}{}", socket.text(), tls);
    }
    accepting_ = true;
    for (auto& listener : open_)
        watch(*listener);
}

void Acceptor::shut() noexcept {
    ++era_;
    accepting_ = false;
    limit_.stop_waiting();
    pause_timer_.cancel();
    open_.clear();
    for (auto& socket : sockets_)
        socket.shut();
}

void Acceptor::close() noexcept {
    ++era_;
    accepting_ = false;
    limit_.stop_waiting();
    open_.clear();
    sockets_.clear();
    reception_.close();
    pause_timer_.cancel();
    pulse_.cancel();
    is_closed_ = true;
}

// A pulse that comes late shows that the process stood still. Nothing else would: to a process that
// was stopped no time has passed.
void Acceptor::beat() noexcept {
    pulse_.expires_after(milliseconds(pauses_.pulse_ms()));
    const auto look = [this](const boost::system::error_code& error) {
        if (error || is_closed_) return;
        (void)look_for_pause();
        beat();
    };
    insist([&] { pulse_.async_wait(look); });
}

// The warning is said here once, for all io threads; they find out for themselves.
bool Acceptor::look_for_pause() noexcept {
    if (!pauses_.runs_at(SystemClock::boot_ms())) return false;
    for (auto& listener : open_)
        listener->note_pause(static_cast<unsigned>(backlog_) + 1);  // the kernel's own reckoning
    log_.warning("the process stood still for {} ms: clients whose requests waited are closed",
                 pauses_.length_ms());
    return true;
}

void Acceptor::watch(Listener& listener) noexcept {
    if (listener.is_watched) return;
    listener.is_watched = true;
    const auto accept = [this, &listener, era = era_](const boost::system::error_code& error) {
        if (error || era != era_) return;
        listener.is_watched = false;
        accept_all(listener);
    };
    insist(
        [&] { listener.descriptor.async_wait(asio::posix::stream_descriptor::wait_read, accept); });
}

// Until the queue is empty or others must have their turn.
void Acceptor::accept_all(Listener& listener) noexcept {
    if (!is_accepting()) return;  // go_on() watches it again
    (void)look_for_pause();
    for (unsigned i = 0; i < accepts_per_turn; ++i) {
        switch (accept_one(listener)) {
            case Outcome::more:
                break;
            case Outcome::none:
                return watch(listener);
            case Outcome::full:
                pause(full_pause);
                // A client may have gone before anybody waited for it.
                if (limit_.has_room())
                    insist([this] { asio::post(context_, [this] { go_on(); }); });
                return;
            case Outcome::exhausted:
                return pause(exhausted_pause);
        }
    }
    watch(listener);
}

// At the limit a client is left in the kernel's queue, as memcached does, unless it is to be told
// at once (maxconns_fast).
Acceptor::Outcome Acceptor::accept_one(Listener& listener) noexcept {
    if (!reject_fast_ && !limit_.has_room()) return Outcome::full;
    auto client = listener.accept();
    if (client.descriptor >= 0) {
        exhausted_ = false;
        // This thread may have been stopped just now, after it had looked.
        if (look_for_pause()) client.accepted_ms = 0;
        if (limit_.take()) {
            welcome(client);
        } else {
            tell_and_close(client.descriptor);
            limit_.count_rejected();
            tell_of_limit();
        }
        return Outcome::more;
    }
    switch (errno) {
        case EAGAIN:
            return Outcome::none;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return reject_by_reserve(listener) ? Outcome::more : Outcome::exhausted;
        default:
            return Outcome::more;  // that one client has gone again
    }
}

// The words are memcached's; clients look for them.
void Acceptor::tell_and_close(int descriptor) noexcept {
    // A fresh connection has room for one line; if not, the client learns it by the close.
    [[maybe_unused]] const auto sent =
        ::send(descriptor, too_many.data(), too_many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(descriptor);
}

// One line when the limit is met, and while it is no more than one a minute.
void Acceptor::tell_of_limit() noexcept {
    constexpr std::chrono::minutes pause{1};
    const auto now = std::chrono::steady_clock::now();
    ++untold_;
    if (told_at_ && now - *told_at_ < pause) return;
    const bool is_first = !std::exchange(told_at_, now);
    const auto count = std::exchange(untold_, 0);
    log_.warning("all {} places for clients (connections, -c) are taken: {} turned away{}",
                 limit_.most(), count, is_first ? "" : " since the last such line");
}

// It has a place in the limit.
void Acceptor::welcome(const NewClient& client) noexcept {
    if (reception_.expects(client.address)) return reception_.take(client);
    admit(client, false);
}

// For want of memory a client is turned away, with all that it had.
void Acceptor::admit(NewClient client, bool is_proxy) noexcept {
    if (lib::has_memory_for([&] { deal_if_it_may_come(client, is_proxy); })) return;
    if (client.has_place) limit_.addresses().give_back(client.address);
    ::close(client.descriptor);
    limit_.give_back();
    limit_.count_rejected();
}

// A proxy of ours may have any number of connections: those of its clients count.
void Acceptor::deal_if_it_may_come(NewClient& client, bool is_proxy) {
    const bool is_local = client.address.family == ClientAddress::Family::local;
    client.has_place = !is_proxy && !is_local && limit_.addresses().take(client.address);
    if (client.has_place || is_proxy || is_local) return deal_(client);
    tell_and_close(client.descriptor);
    limit_.give_back();
}

// Without a free descriptor a client can neither be served nor told so, and the kernel would report
// it again and again. The reserve is given up to take it, and taken back when it has been told.
bool Acceptor::reject_by_reserve(Listener& listener) noexcept {
    if (!exhausted_) {
        exhausted_ = true;
        ++times_disabled_;
        log_.warning("out of file descriptors: new clients are turned away");
    }
    if (reserve_ < 0) {
        reserve_ = open_reserve();
        return false;
    }
    ::close(reserve_);
    const int client = listener.accept().descriptor;
    if (client >= 0) {
        tell_and_close(client);
        limit_.count_rejected();
    }
    reserve_ = open_reserve();
    return client >= 0;
}

// Until there is room, or for so long: a wake-up that was lost must not end the service.
void Acceptor::pause(milliseconds longest) noexcept {
    accepting_ = false;
    ++times_disabled_;
    paused_since_ = std::chrono::steady_clock::now();
    limit_.await_room();
    pause_timer_.expires_after(longest);
    const auto resume = [this](const boost::system::error_code& error) {
        if (!error) go_on();
    };
    insist([&] { pause_timer_.async_wait(resume); });
}

// How long nobody was accepted is told by `stats` (listen_disabled_num,
// time_in_listen_disabled_us).
void Acceptor::go_on() noexcept {
    if (open_.empty() || is_accepting()) return;
    const auto paused = std::chrono::steady_clock::now() - paused_since_;
    disabled_us_ += static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(paused).count());
    limit_.stop_waiting();
    accepting_ = true;
    for (auto& listener : open_)
        watch(*listener);
}

}  // namespace twincached::app

#include "test/drivers/mirror_room.hpp"

#include <atomic>
#include <map>
#include <utility>

namespace twincached::test {

namespace {

std::atomic<std::uint64_t> visits{0};

}  // namespace

std::shared_ptr<MirrorRoom> MirrorRoom::enter(const std::string& name) {
    static lib::Mutex mutex;
    static std::map<std::string, std::weak_ptr<MirrorRoom>> rooms;
    const lib::MutexLock lock(mutex);
    auto room = rooms[name].lock();
    if (!room) rooms[name] = room = std::make_shared<MirrorRoom>();
    return room;
}

std::uint64_t MirrorRoom::join(Place place, std::function<void()> wake) {
    const lib::MutexLock lock(mutex_);
    auto& seat = seats_[place];
    seat = {++visits, 0, std::move(wake), {}};
    auto& other = seats_[1 - place];
    other.said.clear();
    if (other.wake) other.wake();
    return seat.visit;
}

void MirrorRoom::leave(Place place) {
    const lib::MutexLock lock(mutex_);
    seats_[place] = {};
    auto& other = seats_[1 - place];
    other.said.clear();
    if (other.wake) other.wake();
}

void MirrorRoom::say(Place place, std::uint64_t to_visit, std::string_view bytes) {
    const lib::MutexLock lock(mutex_);
    auto& other = seats_[1 - place];
    if (other.visit != to_visit) return;
    other.said.emplace_back(bytes);
    other.wake();
}

MirrorRoom::Heard MirrorRoom::hear(Place place) {
    const lib::MutexLock lock(mutex_);
    auto& seat = seats_[place];
    if (is_cut_) return {seat.heard_of, {}};
    seat.heard_of = seats_[1 - place].visit;
    return {seat.heard_of, std::exchange(seat.said, {})};
}

void MirrorRoom::set_cut(bool is_cut) {
    const lib::MutexLock lock(mutex_);
    is_cut_ = is_cut;
    for (auto& seat : seats_)
        if (seat.wake) seat.wake();
}

void MirrorRoom::tear() {
    const lib::MutexLock lock(mutex_);
    for (auto& seat : seats_) {
        if (seat.visit == 0) continue;
        seat.visit = ++visits;
        seat.said.clear();
        seat.wake();
    }
}

}  // namespace twincached::test
